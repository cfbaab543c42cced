/** A node that gives one stream at a time is enough for a backup: a range holds none while its chunks are proven. */
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
