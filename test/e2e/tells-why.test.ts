/** A command that waits for work at the server says at the first failed attempt why it waits, and goes on by itself. */
import { readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { failingWork } from '../../src/client/failing-work.js';
import { backUp } from '../support/backup.js';
import { startCli } from '../support/cli.js';
import { sharedHost, startSite } from '../support/site.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';

const host = sharedHost();

/** A storage with one backup. Its metadata is taken away, or the metadata file of the backup emptied. */
async function damaged(how: 'emptied' | 'gone') {
  const site = await startSite({ transactions: 60, epochs: 1 }, { host: host() });
  const { node, folder } = site;
  const target = { type: 'transaction', start_version: 0, num_transactions: 20 } as const;
  await backUp({ node: node.address, folder, target });
  const metadata = join(folder, 'metadata');
  if (how === 'gone') {
    renameSync(metadata, `${metadata}-elsewhere`);
    return { ...site, mend: () => renameSync(`${metadata}-elsewhere`, metadata) };
  }
  const name = readdirSync(metadata).find((one) => one.startsWith('transaction_'))!;
  const content = readFileSync(join(metadata, name));
  writeFileSync(join(metadata, name), '');
  return { ...site, mend: () => writeFileSync(join(metadata, name), content) };
}

it.each<[string, 'emptied' | 'gone', string[]]>([
  ['compact', 'emptied', ['backup-maintenance', 'compact']],
  ['consolidate', 'emptied', ['backup-maintenance', 'consolidate']],
  ['gc', 'emptied', ['repository', 'gc']],
  ['prune', 'emptied', ['repository', 'prune', '--keep-last', '1', '--yes']],
  ['verify', 'gone', ['verify']],
  ['copy', 'gone', ['copy', '--to', temporaryFolder('target')]],
])('%s says why it waits, once, and ends when the reason is gone', async (_, how, args) => {
  const { folder, session, mend } = await damaged(how);
  const { client } = session;
  const from = args[0] === 'copy' ? '--from' : '--local-fs-dir';
  const command = startCli([...args, from, folder], { TEMPORAL_ADDRESS: session.address });
  const why = new RegExp(
    `failed, and the next one follows: .*${folder}.* \\(LISTING_(SHORT|EMPTY)\\)\\. Check `,
  );
  await command.says(why);
  const running = { query: 'ExecutionStatus = "Running"' };
  await until('more attempts fail', async () => {
    for await (const { workflowId } of client.workflow.list(running)) {
      const failing = await failingWork(client, workflowId).catch(() => []);
      if (failing.some((one) => one.failed >= 4)) return true;
    }
    return false;
  });
  expect(command.lines.filter((line) => why.test(line))).toHaveLength(1);
  mend();
  await command.ended;
});
