import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The version of the checkout in `root`. */
export function versionOf(root: string): string {
  return (json(root, 'package.json') as { version: string }).version;
}

/** What hinders a release of the checkout in `root`; each a sentence that says what to do. */
export function hindrances(root: string): string[] {
  const version = versionOf(root);
  const found: string[] = [];
  const unless = (fits: boolean, what: string) => {
    if (!fits) found.push(what);
  };
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain');
  unless(changed === '', `the tree is not clean; commit or remove:\n${changed}`);
  unless(
    git('tag', '--list', `v${version}`) === '',
    `the tag v${version} exists: ${version} is released; raise the version in package.json`,
  );
  unless(
    /^\d+\.\d+\.\d+(-[0-9a-z.]+)?$/.test(version),
    `package.json: ${version} is no version of three numbers`,
  );
  const lock = json(root, 'package-lock.json') as { version: string };
  unless(
    lock.version === version,
    `package-lock.json is of version ${lock.version}: run npm install`,
  );
  const images = text(root, 'docker-compose.yml').matchAll(/image: aptos-backup:(\S+)/g);
  for (const tag of new Set([...images].map(([, one]) => one!))) {
    unless(
      tag === version,
      `docker-compose.yml names the image of ${tag}: name that of ${version}`,
    );
  }
  const chart = text(root, 'deploy/helm/Chart.yaml').matchAll(/^(version|appVersion): (\S+)$/gm);
  for (const [, name, value] of chart) {
    unless(
      value === version,
      `deploy/helm/Chart.yaml has ${name} ${value}: it must be that of the package, ${version}`,
    );
  }
  found.push(...inChangelog(text(root, 'CHANGELOG.md'), version));
  const histories = join(root, 'test', 'replay', 'histories', version);
  unless(
    existsSync(histories) && readdirSync(histories).length > 0,
    `there are no histories of ${version} in test/replay: run npm run record-histories`,
  );
  return found;
}

/** The section of a release has its date and at least one line, and nothing is left unreleased. */
function inChangelog(changelog: string, version: string): string[] {
  const sections = changelog.split(/^## /m).slice(1);
  const linesOf = (title: RegExp) =>
    sections.find((section) => title.test(section))?.match(/^- /gm)?.length ?? 0;
  const named = version.replaceAll('.', '\\.');
  return [
    ...(linesOf(/^Unreleased/) > 0
      ? [`CHANGELOG.md has lines under Unreleased: move them under "## ${version} - DATE"`]
      : []),
    ...(linesOf(new RegExp(`^${named} - \\d{4}-\\d{2}-\\d{2}\\n`)) === 0
      ? [`CHANGELOG.md says nothing under "## ${version} - DATE"`]
      : []),
  ];
}

function text(root: string, file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

function json(root: string, file: string): unknown {
  return JSON.parse(text(root, file));
}
