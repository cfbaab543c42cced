/**
 * The metadata of a storage, read through our catalogue: cold, and warm from its cache, beside the bare calls that list
 * and read the same objects. Each row is a process of its own. `npm run bench:catalogue`; BENCH_FILES sets the number of
 * files, BENCH_S3_FILES that in the bucket (0: no bucket), BENCH_LINES the number of lines in compacted files.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { lstat, readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { S3 } from '@aws-sdk/client-s3';
import { programOf } from '../test/support/program-of.js';
import { forEachAtOnce } from '../src/lib/at-once.js';

const FILES = Number(process.env['BENCH_FILES'] ?? 100_000);
const S3_FILES = Number(process.env['BENCH_S3_FILES'] ?? FILES);
const LINES = Number(process.env['BENCH_LINES'] ?? 1_000_000);
const LINES_PER_FILE = 1000;
/** As our catalogue reads, and as our listing of a local folder looks at files. */
const READS_AT_ONCE = 16;
const LOOKS_AT_ONCE = 3;
const BUCKET = 'bench';
const OURS = programOf(new URL('catalogue-ours.ts', import.meta.url));

interface Measured {
  seconds: number;
  again: number;
  megabytes: number;
  found: number;
}

const [mode, place = ''] = process.argv.slice(2);
if (mode === undefined) await runAll();
else console.log(JSON.stringify(await measure(mode)));

async function runAll(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'bench-catalogue-'));
  try {
    row('', 'seconds', 'again', 'memory', 'found');
    const single = join(root, 'single');
    makeFiles(single, FILES, 1);
    await rows(`local, ${FILES} files of one line`, single, root);
    if (LINES > 0) {
      const compacted = join(root, 'compacted');
      makeFiles(compacted, LINES / LINES_PER_FILE, LINES_PER_FILE);
      await rows(`local, ${LINES} lines in files of ${LINES_PER_FILE}`, compacted, root);
    }
    if (S3_FILES > 0) await inBucket(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function inBucket(root: string): Promise<void> {
  const { S3_KEYS, startSeaweedFs } = await import('../test/support/servers/seaweedfs.js');
  Object.assign(process.env, S3_KEYS);
  const server = await startSeaweedFs();
  const s3 = await clientOf(server.endpoint);
  try {
    await s3.createBucket({ Bucket: BUCKET });
    const numbers = Array.from({ length: S3_FILES }, (_, i) => i);
    await forEachAtOnce(32, numbers, async (i) => {
      await s3.putObject({ Bucket: BUCKET, Key: `metadata/${nameOf(i)}`, Body: lineOf(i) });
    });
    const url = `s3://${BUCKET}?endpoint=${server.endpoint}&encoding=plain`;
    await rows(`SeaweedFS, ${S3_FILES} objects of one line`, url, root);
  } finally {
    s3.destroy();
    await server.close();
  }
}

/** The bare calls, and ours: cold, then warm in another process. `again`: the same once more in that process. */
async function rows(title: string, where: string, root: string): Promise<void> {
  console.log(title);
  const cache = join(root, `data-${title.length}`);
  const bareList = await bare('bare-list', where);
  const bareRead = await bare('bare-read', where);
  const cold = await ours(where, cache);
  const warm = await ours(where, cache);
  const all = { 'bare listing': bareList, 'bare reading': bareRead, cold, warm };
  for (const [name, { seconds, again, megabytes, found }] of Object.entries(all)) {
    row(`  ${name}`, seconds.toFixed(2), again.toFixed(2), `${megabytes} MB`, `${found}`);
  }
  const ratio = (a: number, b: number) => (a / b).toFixed(2);
  row('  cold / (listing + reading)', ratio(cold.seconds, bareList.seconds + bareRead.seconds));
  row('  warm / listing', ratio(warm.seconds, bareList.seconds));
  row('  warm again / listing', ratio(warm.again, bareList.again));
}

async function bare(how: string, where: string): Promise<Measured> {
  return child(['--import', 'tsx', fileURLToPath(import.meta.url), how, where]);
}

/** As it runs for operators: what compiles these benches on the way takes time and memory. */
async function ours(where: string, cache: string): Promise<Measured> {
  return child([OURS, where, cache]);
}

async function child(args: readonly string[]): Promise<Measured> {
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Measured;
}

async function measure(how: string): Promise<Measured> {
  const work = { 'bare-list': bareList, 'bare-read': bareRead }[how]!;
  const names = how === 'bare-read' ? await bareNames() : [];
  const [seconds, found] = await timed(() => work(names));
  const [again] = how === 'bare-read' ? [seconds] : await timed(() => work(names));
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  return { seconds, again, megabytes, found };
}

async function bareList(): Promise<number> {
  if (isBucket()) return (await bareNames()).length;
  const names = await readdir(join(place, 'metadata'));
  let bytes = 0;
  await forEachAtOnce(LOOKS_AT_ONCE, names, async (name) => {
    bytes += (await lstat(join(place, 'metadata', name))).size;
  });
  return bytes > 0 ? names.length : 0;
}

async function bareRead(names: readonly string[]): Promise<number> {
  const s3 = isBucket() ? await clientOf(endpointOf()) : undefined;
  let bytes = 0;
  await forEachAtOnce(READS_AT_ONCE, names, async (name) => {
    if (!s3) {
      bytes += (await readFile(join(place, 'metadata', name))).length;
      return;
    }
    const { Body } = await s3.getObject({ Bucket: BUCKET, Key: `metadata/${name}` });
    bytes += (await Body!.transformToByteArray()).length;
  });
  s3?.destroy();
  return bytes > 0 ? names.length : 0;
}

async function bareNames(): Promise<string[]> {
  if (!isBucket()) return readdir(join(place, 'metadata'));
  const s3 = await clientOf(endpointOf());
  const names: string[] = [];
  for (let token: string | undefined, more = true; more;) {
    const page = await s3.listObjectsV2({
      Bucket: BUCKET,
      Prefix: 'metadata/',
      Delimiter: '/',
      EncodingType: 'url',
      ...(token === undefined ? {} : { ContinuationToken: token }),
    });
    names.push(...(page.Contents ?? []).map(({ Key }) => Key!.slice('metadata/'.length)));
    token = page.NextContinuationToken;
    more = page.IsTruncated === true;
  }
  s3.destroy();
  return names;
}

function isBucket(): boolean {
  return place.startsWith('s3:');
}

function endpointOf(): string {
  return new URL(place).searchParams.get('endpoint')!;
}

async function clientOf(endpoint: string): Promise<S3> {
  const { S3 } = await import('@aws-sdk/client-s3');
  return new S3({ endpoint, region: 'us-east-1', forcePathStyle: true });
}

function makeFiles(folder: string, files: number, lines: number): void {
  mkdirSync(join(folder, 'metadata'), { recursive: true });
  for (let file = 0; file < files; file += 1) {
    const content = Array.from({ length: lines }, (_, i) => lineOf(file * lines + i)).join('');
    writeFileSync(join(folder, 'metadata', nameOf(file)), content);
  }
}

function nameOf(batch: number): string {
  return `transaction_${batch * 1000}-${batch * 1000 + 999}.meta`;
}

function lineOf(batch: number): string {
  const first = batch * 1000;
  const manifest = `transaction_${first}-.3f9a/transaction.manifest`;
  const line = { first_version: first, last_version: first + 999, manifest };
  return `${JSON.stringify({ TransactionBackup: line })}\n`;
}

async function timed<T>(work: () => Promise<T>): Promise<[seconds: number, result: T]> {
  const begun = performance.now();
  const result = await work();
  return [(performance.now() - begun) / 1000, result];
}

function row(...cells: string[]): void {
  console.log(cells.map((cell, i) => cell.padEnd(i === 0 ? 32 : 12)).join(''));
}
