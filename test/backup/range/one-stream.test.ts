/** A node that gives one stream at a time is enough for a backup: the stream of a range gives way to those that prove it. */
import { expect, it } from 'vitest';
import { LimitedGate } from '../../../src/node/limited-gate.js';
import {
  type Target,
  backUp,
  contentOf,
  devnode,
  fetchBytes,
  storageFolder,
} from '../../support/backup.js';

it.each(['whole ranges', 'many chunks in one range'])(
  'with one stream at a time, all three kinds are stored byte for byte: %s',
  async (form) => {
    const node = await devnode({ seed: 7 });
    const { epoch, version, epoch_ends: ends } = node.facts();
    const gate = new LimitedGate(node.address, { short: () => undefined, spare: () => undefined });
    gate.limit();
    gate.grant({ streams: 1 }, performance.now() + 600_000);
    const targets: [Target, string][] = [
      [
        { type: 'epoch_ending', start_epoch: 0, end_epoch: epoch },
        `epoch_ending_ledger_infos/0/${epoch}`,
      ],
      [{ type: 'state_snapshot', epoch: epoch - 1 }, `state_snapshot/${ends.at(-1)}`],
      [
        { type: 'transaction', start_version: 0, num_transactions: version + 1 },
        `transactions/0/${version + 1}`,
      ],
    ];
    for (const [target, path] of targets) {
      const folder = storageFolder();
      const common = { node: node.address, folder, gate, maxChunkSize: 20_000 };
      const result = await backUp({ ...common, target, oneRange: form !== 'whole ranges' });
      expect(result.proven).toBe('signed');
      expect(node.load().most_streams).toBe(1);
      const { payload, files } = contentOf(folder, result);
      expect(target.type === 'epoch_ending' || files.length > 3).toBe(true);
      expect(payload).toEqual(await fetchBytes(`${node.address}/${path}`));
    }
  },
);

it('epoch endings of more than one block are stored with one stream, and by a process that knows no validators yet', async () => {
  const node = await devnode({ validators: 150, epochs: 80, transactions: 200 });
  const { epoch } = node.facts();
  const gate = new LimitedGate(node.address, { short: () => undefined, spare: () => undefined });
  gate.limit();
  gate.grant({ streams: 1 }, performance.now() + 600_000);
  const folder = storageFolder();
  const target: Target = { type: 'epoch_ending', start_epoch: 0, end_epoch: epoch };
  const setup = { node: node.address, folder, gate, target, oneRange: true };
  const result = await backUp(setup);
  const { payload } = contentOf(folder, result);
  expect(payload.length).toBeGreaterThan(1024 * 1024);
  expect(payload).toEqual(await fetchBytes(`${node.address}/epoch_ending_ledger_infos/0/${epoch}`));
  expect(node.load().most_streams).toBe(1);
});
