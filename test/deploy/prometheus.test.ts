/** The alerts for Prometheus: its own tool takes them, and tries them on made-up series. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { findServer } from '../support/servers/install.js';
import { PROMTOOL } from '../support/servers/prometheus.js';

const FOLDER = 'deploy/prometheus';
const TESTS = ['tests.yml', 'tests-of-days.yml'];

async function promtool(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(await findServer(PROMTOOL), args, { cwd: FOLDER });
  return stdout;
}

it('promtool accepts the rules, and the settings that name them', async () => {
  expect(await promtool('check', 'config', 'prometheus.yml')).toMatch(
    /SUCCESS: 1 rule files found/,
  );
  expect(await promtool('check', 'rules', 'rules.yml')).toMatch(/SUCCESS: \d+ rules found/);
});

it('each alert is raised when it should be, and none when all is well', async () => {
  expect(await promtool('test', 'rules', ...TESTS)).not.toMatch(/FAILED/);
  const { groups } = parse(readFileSync(`${FOLDER}/rules.yml`, 'utf8')) as {
    groups: { rules: { alert: string }[] }[];
  };
  const tried = TESTS.map((file) => readFileSync(`${FOLDER}/${file}`, 'utf8')).join('\n');
  for (const { alert } of groups.flatMap(({ rules }) => rules)) {
    expect(tried).toContain(`alertname="${alert}"`);
  }
});
