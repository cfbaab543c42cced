/** Manifests and metadata that the stock tool wrote are read, and written again byte for byte. */
import { readFileSync, readdirSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseJson, stringifyJson } from '../../../src/aptos/files/json.js';
import {
  decodeEpochEndingManifest,
  decodeStateSnapshotManifest,
  decodeTransactionManifest,
  encodeEpochEndingManifest,
  encodeStateSnapshotManifest,
  encodeTransactionManifest,
} from '../../../src/aptos/files/manifest.js';
import {
  encodeMetadataLine,
  metadataFileName,
  parseMetadataFile,
} from '../../../src/aptos/files/metadata.js';

const fixtures = new URL('../../fixtures/', import.meta.url);
const files = readdirSync(fixtures, { recursive: true, encoding: 'utf8' });
const text = (file: string) => {
  const bytes = readFileSync(new URL(file, fixtures));
  return (file.includes('/stock-gzip/') ? gunzipSync(bytes) : bytes).toString();
};

const CODECS = [
  ['epoch_ending', (b: Buffer) => encodeEpochEndingManifest(decodeEpochEndingManifest(b))],
  ['state', (b: Buffer) => encodeStateSnapshotManifest(decodeStateSnapshotManifest(b))],
  ['transaction', (b: Buffer) => encodeTransactionManifest(decodeTransactionManifest(b))],
] as const;

describe.each(CODECS)('%s manifests', (kind, recode) => {
  const manifests = files.filter((f) => f.endsWith(`/${kind}.manifest`));
  it('are found for this test', () => expect(manifests.length).toBeGreaterThan(3));
  it.each(manifests)('keep every byte when they are read and written: %s', (file) => {
    const content = text(file);
    expect(Buffer.from(recode(Buffer.from(content))).toString()).toBe(content);
  });

  it('keep fields that the stock tool does not know, behind its own fields', () => {
    const content = text(manifests[0]!);
    const more = `${content.slice(0, -1)},"proven":"signed","bytes":18446744073709551615}`;
    expect(Buffer.from(recode(Buffer.from(more))).toString()).toBe(more);
  });

  it.each([
    ['torn', (t: string) => t.slice(0, -20)],
    ['empty', () => ''],
    ['another kind', () => '{}'],
    ['a list', () => '[]'],
    ['not UTF-8', (t: string) => t.replace('{', '{"\u0080":1,')],
    ['a negative number', (t: string) => t.replace(/:\d+/, ':-1')],
    ['a number above 2^64', (t: string) => t.replace(/:\d+/, ':18446744073709551616')],
    ['a fraction', (t: string) => t.replace(/:\d+/, ':1.5')],
    ['an object with a field twice', (t: string) => t.replace('{', '{"chunks":[],')],
    ['without chunks', (t: string) => t.replace(/"chunks":\[/, '"other":[')],
  ])('are refused when the content is %s', (_, damage) => {
    const damaged = Buffer.from(damage(text(manifests.at(-1)!)), 'latin1');
    expect(() => recode(damaged)).toThrow(
      expect.objectContaining({ name: 'AptosDataError' }) as Error,
    );
  });
});

it('a manifest may have the format V0, which an older stock tool writes', () => {
  const chunk =
    '{"first_version":0,"last_version":0,"transactions":"a/b","proof":"a/c","format":"V0"}';
  const manifest = `{"first_version":0,"last_version":0,"chunks":[${chunk}]}`;
  const { chunks } = decodeTransactionManifest(Buffer.from(manifest));
  expect(chunks[0]!.format).toBe('V0');
});

it('chunks with a gap, an overlap or a wrong end are refused', () => {
  const chunk = (first: number, last: number) =>
    `{"first_version":${first},"last_version":${last},"transactions":"a/b","proof":"a/c"}`;
  const decode = (first: number, last: number, ...chunks: string[]) =>
    decodeTransactionManifest(
      Buffer.from(
        `{"first_version":${first},"last_version":${last},"chunks":[${chunks.join(',')}]}`,
      ),
    );
  expect(decode(0, 9, chunk(0, 4), chunk(5, 9)).chunks).toHaveLength(2);
  const wrong: [number, number, ...string[]][] = [
    [0, 9],
    [0, 9, chunk(0, 4), chunk(6, 9)],
    [0, 9, chunk(0, 4), chunk(4, 9)],
    [0, 9, chunk(0, 4), chunk(0, 4), chunk(5, 9)],
    [0, 9, chunk(0, 4)],
    [0, 9, chunk(1, 9)],
    [0, 9, chunk(0, 10)],
    [9, 0, chunk(9, 0)],
  ];
  for (const [first, last, ...chunks] of wrong) {
    expect(() => decode(first, last, ...chunks)).toThrow(/MANIFEST|manifest/);
  }
});

describe('a metadata file', () => {
  const metadata = files.filter((f) => f.endsWith('.meta'));
  it('is found for this test', () => expect(metadata.length).toBeGreaterThan(20));
  it.each(metadata)('keeps every byte when it is read and written: %s', (file) => {
    const content = text(file);
    const { lines, errors } = parseMetadataFile(Buffer.from(content));
    expect(errors).toEqual([]);
    expect(lines.map((line) => Buffer.from(encodeMetadataLine(line)).toString()).join('')).toBe(
      content,
    );
    if (lines.length === 1 && !file.includes('compacted')) {
      expect(metadataFileName(lines[0]!)).toBe(file.split('/').at(-1));
    }
  });

  it('with a bad line gives an error with the line number, and all other lines', () => {
    const good =
      '{"TransactionBackup":{"first_version":0,"last_version":18446744073709551615,"manifest":"a/b"}}';
    const bad = ['', '{"Trans', '{"Unknown":{}}', '{"TransactionBackup":{"first_version":0}}'];
    const { lines, errors } = parseMetadataFile(Buffer.from([good, ...bad, good, ''].join('\n')));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({ lastVersion: 18446744073709551615n });
    expect(errors.map((error) => error.message.slice(0, 7))).toEqual([
      'line 2:',
      'line 3:',
      'line 4:',
      'line 5:',
    ]);
  });
});

it('our JSON reader and writer keep every u64 and every text', () => {
  const json = '{"a":[0,9007199254740993,18446744073709551615],"b":"\\u0000é\\"","c":{"d":null}}';
  expect(stringifyJson(parseJson(json))).toBe(json);
  expect(parseJson('{"__proto__":1}')).toEqual(
    JSON.parse('{"__proto__":1}', (_, v: unknown) => (typeof v === 'number' ? 1n : v)),
  );
  for (const wrong of ['', '01', '1 2', '[1,]', '{"a":1,}', "{'a':1}", 'nul', '"\n"', '[', '1e']) {
    expect(() => parseJson(wrong), wrong).toThrow(/not valid JSON/);
  }
  expect(() => parseJson('['.repeat(100_000))).toThrow(/too deep/);
});
