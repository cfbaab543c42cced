import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Plugin } from 'esbuild';

interface Change {
  file: RegExp;
  from: string | RegExp;
  to: string | ((found: string) => string);
}

/**
 * What of Temporal's SDK finds its own files by their place, or costs time at each start and is not used here. Each
 * change must fit the text of the SDK, or the build fails.
 */
const CHANGES: readonly Change[] = [
  {
    file: /@temporalio\/worker\/lib\/workflow\/threaded-vm\.js$/,
    from: `require.resolve('./workflow-worker-thread')`,
    to: `besideProgram('workflow-thread.js')`,
  },
  {
    // The native library stays in its package.
    file: /@temporalio\/core-bridge\/common\.js$/,
    from: `path.resolve(__dirname, `,
    to: `path.resolve(path.dirname(require.resolve('@temporalio/core-bridge/package.json')), `,
  },
  {
    // Programs run a bundle that the build has made. This would load webpack.
    file: /@temporalio\/worker\/lib\/workflow\/bundler\.js$/,
    from: /^[^]*$/,
    to: `exports.defaultWorkflowInterceptorModules = [];
      exports.WorkflowCodeBundler = class {
        constructor() { throw new Error('this program cannot bundle workflows'); }
      };`,
  },
  {
    // Runs all workflow code once more, in a context that nobody uses, for the breakpoints of debuggers.
    file: /@temporalio\/worker\/lib\/worker\.js$/,
    from: /let script = new vm\.Script\(code, \{ filename \}\);[^]*?context = undefined;\s*\}, \(\) => void 0\);/,
    to: '',
  },
  {
    file: /source-map\/lib\/read-wasm\.js$/,
    from: 'path.join(__dirname, "mappings.wasm")',
    to: `besideProgram('mappings.wasm')`,
  },
  {
    file: /@temporalio\/proto\/protos\/json-module\.js$/,
    from: /(?<=\.addJSON\()\{[^]*\}(?=\);)/,
    to: (types) => `JSON.parse(${JSON.stringify(JSON.stringify(ownTypes(types)))})`,
  },
];

/** The types of Temporal's API without those of its cloud, a fourth of all: all of them are made at each start. */
function ownTypes(json: string): unknown {
  return JSON.parse(json, function (this: object, key, value: unknown) {
    return key === 'cloud' && 'cloud' in this && 'workflowservice' in this ? undefined : value;
  });
}

/** Other people's code in our source maps: which file it is of, without lines. Programs read their maps at each start. */
function withNameAlone(text: string, path: string): string {
  const map = JSON.stringify({ version: 3, sources: [basename(path)], mappings: 'AAAA' });
  const own = text.replaceAll(/^\/\/# sourceMappingURL=.*$/gm, '');
  return `${own}\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}`;
}

/** Fits Temporal's SDK to programs of few files. */
export const sdkForPrograms: Plugin = {
  name: 'sdk-for-programs',
  setup(build) {
    const missing = new Set(CHANGES);
    build.onLoad({ filter: /\/node_modules\/.*\.[cm]?js$/ }, async ({ path }) => {
      let text = await readFile(path, 'utf8');
      for (const change of CHANGES.filter(({ file }) => file.test(path))) {
        const { from, to } = change;
        const changed = text.replace(from, typeof to === 'string' ? () => to : to);
        if (changed !== text) missing.delete(change);
        text = changed;
      }
      return { contents: withNameAlone(text, path), loader: 'js' };
    });
    build.onEnd(() => {
      const errors = [...missing].map(({ file }) => ({
        text: `the SDK has changed: nothing to change in ${file.source}; see scripts/sdk-for-programs.ts`,
      }));
      return { errors };
    });
  },
};
