/** Workflows that a release began are carried on by this code without a different decision. */
import { readFileSync, readdirSync } from 'node:fs';
import { Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { quietRuntime, workflowBundle } from '../support/temporal.js';

const folder = new URL('histories/', import.meta.url);
const releases = readdirSync(folder);

it('has histories to replay', () => {
  expect(releases).not.toHaveLength(0);
});

describe.each(releases)('histories of %s', (release) => {
  const files = readdirSync(new URL(`${release}/`, folder));

  it.each(files)('%s', async (file) => {
    quietRuntime();
    const { workflowId, history } = read(readFileSync(new URL(`${release}/${file}`, folder)));
    await Worker.runReplayHistory({ workflowBundle }, history, workflowId);
  });

  it('notices a history that the code would not have made', async () => {
    quietRuntime();
    const text = readFileSync(new URL(`${release}/two-segments.json`, folder), 'utf8');
    const { workflowId, history } = read(
      text.replaceAll('commitTransactions', 'commitEpochEndings'),
    );
    const replay = Worker.runReplayHistory({ workflowBundle }, history, workflowId);
    await expect(replay).rejects.toThrow(/[Nn]ondeterminism/);
  });
});

function read(json: string | Buffer): { workflowId: string; history: unknown } {
  return JSON.parse(json.toString()) as { workflowId: string; history: unknown };
}
