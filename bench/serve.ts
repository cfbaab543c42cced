/**
 * How fast an archive is served, beside the node from which it was backed up: `npm run bench:serve`. Both run in
 * this process, as does the reader. Compare figures of one machine only.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Archive } from '../src/archive/archive.js';
import { serveArchive } from '../src/archive/server.js';
import { startDevnode } from '../src/devnode/devnode.js';
import { openStorage } from '../src/storage/open.js';
import { backUp } from '../test/support/back-up.js';

const TRANSACTIONS = 100_000;
const STATE_ITEMS = 200_000;
const CHUNK = 16 * 1024 * 1024;
const CACHE = 512 * 1024 * 1024;
const ROUNDS = 3;

async function bytesOf(url: string): Promise<number> {
  const answer = await fetch(url);
  let bytes = 0;
  for await (const part of answer.body!) bytes += (part as Uint8Array).length;
  return bytes;
}

/** The median of some rounds, in seconds, and the bytes of one. */
async function timed(work: () => Promise<number>): Promise<{ seconds: number; bytes: number }> {
  const times: number[] = [];
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const begun = performance.now();
    bytes = await work();
    times.push((performance.now() - begun) / 1000);
  }
  return { seconds: times.sort((a, b) => a - b)[ROUNDS >> 1]!, bytes };
}

const node = await startDevnode({ transactions: TRANSACTIONS, stateItems: STATE_ITEMS, epochs: 4 });
const folder = mkdtempSync(join(tmpdir(), 'bench-serve-'));
try {
  const { version, epoch, epoch_ends: ends, genesis_waypoint: genesis } = node.facts();
  const common = { node: node.address, folder, maxChunkSize: CHUNK, trust: [genesis] };
  await backUp({ ...common, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: epoch } });
  await backUp({ ...common, target: { type: 'state_snapshot', epoch: epoch - 1 } });
  const all = { start_version: 0, num_transactions: version + 1 };
  await backUp({ ...common, target: { type: 'transaction', ...all } });
  const archive = await Archive.open({
    storage: openStorage({ local_fs_dir: folder }),
    cacheBytes: CACHE,
    onError: (error) => console.error(error),
  });
  const onError = (error: unknown) => console.error(error);
  const server = await serveArchive(archive, { host: '127.0.0.1', port: 0, onError });
  const state = ends.at(-1)!;
  const pages = async (address: string) => {
    let bytes = 0;
    for (let at = 0; at < STATE_ITEMS; at += 10_000) {
      bytes += await bytesOf(`${address}/state_snapshot_chunk/${state}/${at}/10000`);
    }
    return bytes;
  };
  const proofs = async (address: string) => {
    let bytes = 0;
    for (let first = 0; first + 999 <= version; first += 1000) {
      bytes += await bytesOf(`${address}/transaction_range_proof/${first}/${first + 999}`);
    }
    return bytes;
  };
  const works: [string, (address: string) => Promise<number>][] = [
    ['all transactions', (address) => bytesOf(`${address}/transactions/0/${version + 1}`)],
    ['a whole snapshot', (address) => bytesOf(`${address}/state_snapshot/${state}`)],
    ['a snapshot by pages', pages],
    ['a proof for each 1000', proofs],
  ];
  for (const [what, work] of works) {
    for (const [who, address] of [
      ['node', node.address],
      ['archive', server.address],
    ] as const) {
      const { seconds, bytes } = await timed(() => work(address));
      const speed = (bytes / 1e6 / seconds).toFixed(0).padStart(5);
      console.log(`${what.padEnd(22)} ${who.padEnd(8)} ${seconds.toFixed(2)} s ${speed} MB/s`);
    }
  }
  await server.close();
} finally {
  await node.close();
  rmSync(folder, { recursive: true, force: true });
}
