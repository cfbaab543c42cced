/**
 * Files of transactions written to a bucket and read back through our storage, plain and with gzip, beside the bare SDK
 * that moves the same plain bytes. `npm run bench:storage`; BENCH_FILES and BENCH_FILE_MB set the size, BENCH_STORES the
 * stores, such as `s3,azure`. `npm run bench` measures whole backups and verifications.
 */
import { randomBytes } from 'node:crypto';
import { startDevnode } from '../src/devnode/devnode.js';
import { forEachAtOnce } from '../src/lib/at-once.js';
import { openStorage } from '../src/storage/open.js';
import { type BareStore, startStore, storesToMeasure } from './bare-stores.js';
import { seconds } from './seconds.js';

const FILES = Number(process.env['BENCH_FILES'] ?? 16);
const FILE_BYTES = Number(process.env['BENCH_FILE_MB'] ?? 32) * 1024 * 1024;
const AT_ONCE = 4;
const WRITE_BYTES = 1024 * 1024;
const ROUNDS = 3;
/** How much longer than the bare SDK we may take. */
const GOAL = 1.15;
const GOAL_MB = 256;

const names = Array.from({ length: FILES }, (_, i) => `${i}-.chunk`);
const megabytes = (FILES * FILE_BYTES) / 1e6;
const content = await contentOfFile();
for (const name of storesToMeasure()) {
  const store = await startStore(name);
  try {
    await measure(name, store);
  } finally {
    await store.close();
  }
}
const peak = Math.round(process.resourceUsage().maxRSS / 1024);
row('peak memory', `${peak} MB`, `goal ${GOAL_MB} MB`);

function row(...cells: string[]): void {
  console.log(cells.map((cell) => cell.padEnd(20)).join(''));
}

async function measure(name: string, store: BareStore): Promise<void> {
  row(name, 'write', 'read', 'stored');
  const bare = await best(() => byBareSdk(store));
  row('bare SDK', speed(bare.write), speed(bare.read), '1.00');
  for (const parameters of ['encoding=plain', 'gzip_level=1', 'gzip_level=6', 'gzip_level=9']) {
    const ours = await best(() => byStorage(store, parameters));
    row(parameters, speed(ours.write), speed(ours.read), (ours.stored / bare.stored).toFixed(2));
    if (parameters !== 'encoding=plain') continue;
    const ratios = [ours.write / bare.write, ours.read / bare.read].map((each) => each.toFixed(2));
    row('  beside the bare', ...ratios, `goal ${GOAL}`);
  }
}

interface Round {
  write: number;
  read: number;
  stored: number;
}

function speed(seconds: number): string {
  return `${seconds.toFixed(1)} s, ${(megabytes / seconds).toFixed(0)} MB/s`;
}

async function best(run: () => Promise<Round>): Promise<Round> {
  const rounds: Round[] = [];
  for (let i = 0; i < ROUNDS; i += 1) rounds.push(await run());
  const least = (of: (round: Round) => number) => Math.min(...rounds.map(of));
  return { write: least((r) => r.write), read: least((r) => r.read), stored: rounds[0]!.stored };
}

/** As a node serves it, as often as it takes. */
async function contentOfFile(): Promise<Buffer> {
  const node = await startDevnode({ transactions: 20_000 });
  const answer = await fetch(`${node.address}/transactions/0/20000`);
  const served = Buffer.from(await answer.arrayBuffer());
  await node.close();
  return Buffer.alloc(FILE_BYTES, served);
}

/** Reads twice: the memory that a write has left is given back in the first time. */
async function secondsToRead(work: () => Promise<void>): Promise<number> {
  await work();
  return seconds(work);
}

async function byStorage(store: BareStore, parameters: string): Promise<Round> {
  const storage = openStorage({ url: store.url(randomBytes(4).toString('hex'), parameters) });
  await storage.begin();
  await storage.saveMetadata('identity.meta', Buffer.from('{}\n'));
  const folder = await storage.createBackup('a_backup');
  const write = await seconds(() =>
    forEachAtOnce(AT_ONCE, names, async (name) => {
      const file = await storage.createFile(folder, name);
      for (let at = 0; at < content.length; at += WRITE_BYTES) {
        await file.write(content.subarray(at, at + WRITE_BYTES));
      }
      await file.publish();
    }),
  );
  let bytes = 0;
  const read = await secondsToRead(() =>
    forEachAtOnce(AT_ONCE, names, async (name) => {
      for await (const part of storage.read(`${folder}/${name}`)) bytes += part.length;
    }),
  );
  if (bytes !== 2 * FILES * content.length) throw new Error('something else came back');
  const stored = (await storage.listFolder(folder)).reduce(
    (sum, each) => sum + Number(each.bytes),
    0,
  );
  await storage.removeFolder(folder);
  return { write, read, stored };
}

async function byBareSdk(store: BareStore): Promise<Round> {
  const write = await seconds(() =>
    forEachAtOnce(AT_ONCE, names, (name) => store.write(name, content)),
  );
  const read = await secondsToRead(() =>
    forEachAtOnce(AT_ONCE, names, async (name) => {
      let bytes = 0;
      for await (const part of await store.read(name)) bytes += (part as Uint8Array).length;
      if (bytes !== content.length) throw new Error('something else came back');
    }),
  );
  return { write, read, stored: FILES * content.length };
}
