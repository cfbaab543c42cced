/**
 * A storage that no longer answers is reported within the deadline, and the work goes on by itself
 * afterwards.
 */
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ensureCoordinator, readCoordinator } from '../../src/client/live-status.js';
import { contentOf, fetchBytes, leftovers } from '../support/backup.js';
import { type FileFault, hungFiles } from '../support/hung-files.js';
import { pendingActivities } from '../support/pending.js';
import { startSite } from '../support/site.js';
import { until } from '../support/until.js';

const TRANSACTIONS = 600;
const RANGE = { start_version: 0, num_transactions: TRANSACTIONS };
/** Seconds. The default is a minute. */
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
  ['a write', WRITE, 'chunks', 'write'],
  ['a publication', PUBLISH, 'chunks', 'publish'],
  ['the commit', COMMIT, 'workflows', 'publish metadata/'],
] as const)(
  'a backup survives %s that hangs, and the failure says so',
  async (_, fault, role, what) => {
    const { files, session, folder, node, start, said, worker } = await hungSite();
    files.hang(fault);
    const before = worker.pid(role);
    const handle = await start('transaction', RANGE, { concurrency: 4 });
    const told = new RegExp(
      `^local folder ${folder} has not answered for ${DEADLINE} s, asked to ${what}`,
    );
    await until('it is told in the UI', async () => {
      const pending = await pendingActivities(session.client, handle.workflowId);
      return pending.some(
        ({ failure }) => failure?.type === 'STORAGE_STALLED' && told.test(failure.message),
      );
    });
    if (role === 'chunks') {
      // Calls that never return block the file access of the process, so it is replaced.
      await until('another worker runs', () =>
        said.some((line) =>
          /was replaced: \d+ operations of the storage did not return/.test(line),
        ),
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
  },
);

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
