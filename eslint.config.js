import { builtinModules } from 'node:module';
import tseslint from 'typescript-eslint';

/**
 * What each folder and each program of src/ may import: `ours` beside itself and the helpers, which lie
 * beside the programs; `types` of ours as types alone; `sdk` of Temporal's packages. `pure` is what workflows run: it
 * knows no host. docs/architecture.md says the same for people.
 */
const FOLDERS = {
  aptos: {},
  node: {},
  storage: {},
  plan: { sdk: ['common'], pure: true },
  devnode: { ours: ['aptos'] },
  catalog: { ours: ['aptos', 'storage'] },
  backup: { ours: ['aptos', 'node', 'storage', 'plan', 'catalog'] },
  verify: { ours: ['aptos', 'storage', 'plan', 'catalog', 'backup'] },
  client: { ours: ['storage', 'plan'], sdk: ['client'] },
  temporal: {
    ours: ['storage', 'plan'],
    types: ['node'],
    sdk: ['client', 'envconfig', 'worker'],
  },
  activities: {
    ours: ['aptos', 'storage', 'plan', 'backup', 'verify', 'client', 'temporal'],
    sdk: ['activity', 'client', 'worker'],
  },
  workflows: { ours: ['plan'], types: ['activities'], sdk: ['workflow'], pure: true },
  cli: {
    ours: ['aptos', 'node', 'storage', 'plan', 'catalog', 'client', 'temporal'],
    sdk: ['client'],
  },
};
const PROGRAMS = {
  cli: { ours: ['plan', 'devnode', 'client', 'cli'] },
  demo: { ours: ['storage', 'devnode', 'catalog', 'temporal'] },
  worker: {
    ours: ['node', 'storage', 'plan', 'backup', 'temporal', 'activities'],
    sdk: ['worker'],
  },
};
const UP = ['../', '../../', '../../../'];

function layer(files, { ours = [], types = [], sdk = [], pure = false }, above) {
  const all = Object.keys(FOLDERS);
  const rules = [
    { folders: all.filter((name) => ![...ours, ...types].includes(name)), allowTypeImports: false },
    { folders: types, allowTypeImports: true },
  ].map(({ folders, ...rest }) => {
    return { group: above.flatMap((up) => folders.map((name) => `${up}${name}/**`)), ...rest };
  });
  const programs = above.flatMap((up) => Object.keys(PROGRAMS).map((name) => `${up}${name}.js`));
  const packages = ['@temporalio/*', ...sdk.map((name) => `!@temporalio/${name}`)];
  const patterns = [
    ...rules,
    { group: programs },
    { group: packages },
    { group: pure ? ['node:*', ...builtinModules] : [] },
  ].filter(({ group }) => group.length > 0);
  const message = 'It may not be known here: see the beginning of eslint.config.js.';
  return {
    files: [files],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: patterns.map((pattern) => ({ ...pattern, message })) },
      ],
    },
  };
}

const layers = [
  ...Object.entries(FOLDERS).map(([name, may]) => layer(`src/${name}/**`, may, UP)),
  layer('src/*.ts', {}, ['./']),
  ...Object.entries(PROGRAMS).map(([name, may]) => layer(`src/${name}.ts`, may, ['./'])),
];

export default tseslint.config(
  { ignores: ['dist/**', 'build/**', 'src/aptos/hash/assembly/**', 'coverage/**'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: {
          allowDefaultProject: [
            'eslint.config.js',
            'test/temporal/supervision/stand-in-worker.mjs',
            'test/support/hung-files.mjs',
          ],
        },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      eqeqeq: 'error',
    },
  },
  ...layers,
  { files: ['**/*.{js,mjs}'], ...tseslint.configs.disableTypeChecked },
);
