/** This code continues workflows that a release started, without a different decision. */
import { readFileSync, readdirSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { quietRuntime, workflowBundle } from '../support/temporal.js';

const folder = new URL('histories/', import.meta.url);
const releases = readdirSync(folder);

it('there are histories to replay', () => {
  expect(releases).not.toHaveLength(0);
});

describe.each(releases)('histories of %s', (release) => {
  const files = readdirSync(new URL(`${release}/`, folder));

  it.each(files)('the history %s replays without a difference', async (file) => {
    await replay(textOf(release, file));
  });

  it.each([
    ['segments', 'commitUnit', 'commitUnits'],
    ['small-blocked-and-retried', 'backUpRange', 'backUpRanges'],
    ['coordinator-with-messages', 'backUpUnit', 'backUpUnits'],
    ['verify-damaged', 'concludeVerification', 'planVerification'],
    ['drill-restored', 'restoreInScratch', 'clearScratch'],
    ['coordinator-compacts', 'awaitCompaction', 'awaitCompactions'],
    ['coordinator-copies', 'awaitCopy', 'awaitCopies'],
  ])(
    'a changed copy of %s is noticed as one that the code cannot have made',
    async (name, made, other) => {
      const text = textOf(release, `${name}.json.gz`);
      expect(text).toContain(made);
      await expect(replay(text.replaceAll(made, other))).rejects.toThrow(/[Nn]ondeterminism/);
    },
  );
});

const textOf = (release: string, file: string) =>
  gunzipSync(readFileSync(new URL(`${release}/${file}`, folder))).toString();

async function replay(text: string): Promise<void> {
  quietRuntime();
  const { workflowId, history } = JSON.parse(text) as { workflowId: string; history: unknown };
  await Worker.runReplayHistory({ workflowBundle }, history, workflowId);
}
