/** A storage that no longer answers: it is told within the deadline, and work goes on by itself after it. */
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ensureCoordinator, readCoordinator } from '../../src/client/coordinator.js';
import { contentOf, fetchBytes, leftovers } from '../support/backup.js';
import { type FileFault, hungFiles } from '../support/hung-files.js';
import { pendingActivities } from '../support/pending.js';
import { startSite } from '../support/site.js';
import { until } from '../support/temporal.js';

const TRANSACTIONS = 600;
const RANGE = { start_version: 0, num_transactions: TRANSACTIONS };
/** Seconds; a minute in real life. */
const DEADLINE = 2;

async function hungSite() {
  const files = hungFiles();
  const env = { ...files.env, APTOS_BACKUP_STORAGE_SECONDS: `${DEADLINE}` };
  const site = await startSite({ transactions: TRANSACTIONS, epochs: 2, stateItems: 50 }, { env });
  return { ...site, files };
}

const WRITE: FileFault = { call: 'write', path: '\\.part$', inThread: true };
const PUBLISH: FileFault = { call: 'link', path: '\\.chunk$' };
const COMMIT: FileFault = { call: 'link', path: 'metadata/transaction_' };

it.each([
  ['a write', WRITE, 'segment/00001', 'write'],
  ['a publication', PUBLISH, 'segment/00001', 'publish'],
  ['the commit', COMMIT, undefined, 'write metadata/'],
] as const)('%s that hangs', async (_, fault, segment, what) => {
  const { files, session, folder, node, start, said, worker } = await hungSite();
  files.hang(fault);
  const before = worker.pid(segment ? 'chunks' : 'workflows');
  const handle = await start('transaction', RANGE, { concurrency: 4 });
  const id = segment ? `${handle.workflowId}/${segment}` : handle.workflowId;
  let told: string | undefined;
  await until('it is told in the UI', async () => {
    const failures = (await pendingActivities(session.client, id)).map(({ failure }) => failure);
    told = failures.find((failure) => failure?.type === 'STORAGE_STALLED')?.message;
    return told !== undefined;
  });
  expect(told).toMatch(
    new RegExp(
      `^local folder ${folder} has not answered for ${DEADLINE} s, when it was to ${what}`,
    ),
  );
  if (segment) {
    // Calls that never come back take the process's file access with them: it is replaced.
    await until('another worker runs', () =>
      said.some((line) => /was replaced: \d+ operations of the storage never/.test(line)),
    );
    await until('another process works', () => {
      const pid = worker.pid('chunks');
      return pid !== undefined && pid !== before;
    });
  }
  files.release();
  const result = await handle.result();
  expect(contentOf(folder, result).payload).toEqual(
    await fetchBytes(`${node.address}/transactions/0/${TRANSACTIONS}`),
  );
  expect(leftovers(folder)).toEqual([]);
});

it('a coordinator says that the storage hangs, and goes on when it is over', async () => {
  const { files, session, folder, node } = await hungSite();
  const { workflowId } = await ensureCoordinator(session.client, {
    node: node.address,
    storage: { local_fs_dir: folder },
    transaction_batch_size: 200,
    transaction_batch_seconds: 1,
  });
  const status = () => readCoordinator(session.client, workflowId).catch(() => undefined);
  const follows = () =>
    until('it follows', async () => {
      const { streams, alarms } = (await status()) ?? {};
      return streams?.transaction.newest === `${node.facts().version}` && alarms?.length === 0;
    });
  await follows();
  files.hang({ call: 'readdir', path: '(metadata|aptos-backup)$' });
  await until('it is told', async () =>
    ((await status())?.alarms ?? []).some(({ text }) =>
      text.startsWith(`local folder ${folder} has not answered for ${DEADLINE} s`),
    ),
  );
  node.grow({ transactions: 50 });
  files.release();
  await follows();
  expect(readFileSync(join(session.dataFolder, 'worker-workflows.log'), 'utf8')).not.toContain(
    'stray',
  );
});
