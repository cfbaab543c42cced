/** What the release script demands, on a checkout that has just enough for it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { hindrances } from '../../scripts/release-checks.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const HISTORY = 'test/replay/histories/1.2.3/coordinator.json.gz';
const SOUND = {
  'package.json': '{"version":"1.2.3"}',
  'package-lock.json': '{"version":"1.2.3"}',
  'docker-compose.yml': '  image: aptos-backup:1.2.3\n',
  'deploy/helm/Chart.yaml': 'version: 1.2.3\nappVersion: 1.2.3\n',
  'CHANGELOG.md': '# Changelog\n\n## Unreleased\n\n## 1.2.3 - 2026-01-31\n\n- It is there.\n',
  [HISTORY]: 'x',
};

/** A checkout with these files, all committed. */
function checkout(changed: Partial<Record<string, string>> = {}) {
  const root = temporaryFolder('release');
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], {
      cwd: root,
      stdio: 'pipe',
    });
  for (const [file, content] of Object.entries({ ...SOUND, ...changed })) {
    if (content === '') continue;
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), content);
  }
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message', 'x');
  return { root, git };
}

it('a checkout that says the same version everywhere can be released', () => {
  expect(hindrances(checkout().root)).toEqual([]);
});

it.each([
  ['package-lock.json', '{"version":"1.2.2"}', /package-lock.json is of version 1.2.2/],
  ['docker-compose.yml', '  image: aptos-backup:1.2.2\n', /names the image of 1.2.2/],
  ['deploy/helm/Chart.yaml', 'version: 1.2.3\nappVersion: 1.2.2\n', /has appVersion 1.2.2/],
  ['CHANGELOG.md', '# Changelog\n\n## 1.2.3\n\n- x\n', /nothing under "## 1.2.3 - DATE"/],
  ['CHANGELOG.md', `${SOUND['CHANGELOG.md']}## Unreleased\n\n- x\n`, /lines under Unreleased/],
  [HISTORY, '', /no histories of 1.2.3/],
])('a release is refused for what is wrong in %s', (file, content, why) => {
  // The first section of a name counts.
  const text = file === 'CHANGELOG.md' ? content.replace('## Unreleased\n\n## 1', '## 1') : content;
  const found = hindrances(checkout({ [file]: text }).root);
  expect(found).toEqual([expect.stringMatching(why) as string]);
});

it('a release is refused with changes that are not committed, and for a version that has its tag', () => {
  const { root, git } = checkout();
  git('tag', 'v1.2.3');
  writeFileSync(join(root, 'left-over.txt'), 'x');
  expect(hindrances(root)).toEqual([
    expect.stringMatching(/not clean; .*\n\?\? left-over.txt$/) as string,
    expect.stringMatching(/the tag v1.2.3 exists/) as string,
  ]);
});

it('this checkout is told what it lacks', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const found = hindrances('.').join('\n');
  expect(found).not.toContain('package-lock.json is of');
  expect(found).not.toContain(`no histories of ${version}`);
});
