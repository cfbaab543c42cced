import { startDevnode } from '../../../src/devnode/devnode.js';
import { backUp } from '../../support/backup.js';

/** Backups of ours with ranges like those of the stock fixture, each of several chunks. */
export async function writeOwnStorage(folder: string): Promise<void> {
  const node = await startDevnode({ transactions: 299, stateItems: 400, epochs: 6 });
  const common = { node: node.address, folder };
  const transactions = (start: number, count: number) =>
    backUp({
      ...common,
      target: { type: 'transaction', start_version: start, num_transactions: count },
      maxChunkSize: 10_000,
    });
  try {
    for (const [start, end] of [
      [0, 3],
      [3, 6],
    ] as const) {
      const target = { type: 'epoch_ending', start_epoch: start, end_epoch: end } as const;
      await backUp({ ...common, target, maxChunkSize: 1500 });
    }
    for (const epoch of [2, 5]) {
      await backUp({ ...common, target: { type: 'state_snapshot', epoch }, maxChunkSize: 10_000 });
    }
    await transactions(0, 1);
    await transactions(1, 100);
    await transactions(101, 100);
    await transactions(201, 99);
  } finally {
    await node.close();
  }
}
