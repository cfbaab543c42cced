import type { Coverage } from '../../../src/contract/answers/verify-answers.js';
import { EPOCH_ENDING_DAMAGES } from './epoch-endings.js';
import { METADATA_DAMAGES } from './metadata.js';
import { SNAPSHOT_DAMAGES } from './state-snapshots.js';
import type { Damage, Subject } from './subject.js';
import { TRANSACTION_DAMAGES } from './transactions.js';

const FILES: [string, (s: Subject) => string][] = [
  ['a chunk of transactions', (s) => s.chunkOf(1)],
  ['a proof of transactions', (s) => s.proofOf(1)],
  ['a manifest of transactions', (s) => s.transactions],
  ['a chunk of state', (s) => s.blobs(1)],
  ['a proof of state', (s) => s.rangeProof(1)],
  ['a root proof', (s) => s.rootProof],
  ['a manifest of state', (s) => s.snapshot],
  ['a chunk of epoch endings', (s) => s.epochChunk(0)],
  ['a manifest of epoch endings', (s) => s.epochs],
];

const HARMS: [string, (bytes: Buffer) => Uint8Array][] = [
  ['emptied', () => Buffer.alloc(0)],
  ['without its last byte', (bytes) => bytes.subarray(0, -1)],
  ['cut in half', (bytes) => bytes.subarray(0, bytes.length >> 1)],
  ['with two bytes too many', (bytes) => Buffer.concat([bytes, Buffer.from([7, 7])])],
  ['all zeros', (bytes) => Buffer.alloc(bytes.length)],
];

const EVERY_FILE: Damage[] = FILES.flatMap(([file, handle]) => [
  [`${file} missing`, (s) => s.remove(handle(s)), handle],
  ...HARMS.map(([how, harm]): Damage => [`${file} ${how}`, (s) => s.edit(handle(s), harm), handle]),
]);

/** Each must be found and named, in a storage of whatever kind. */
export const DAMAGES: Damage[] = [
  ...EVERY_FILE,
  ...TRANSACTION_DAMAGES,
  ...SNAPSHOT_DAMAGES,
  ...EPOCH_ENDING_DAMAGES,
  ...METADATA_DAMAGES,
];

/** Whether a finding is about an object, or says that it may be. */
export function names({ findings }: Coverage, object: string): boolean {
  return findings.some((finding) => finding.object === object || finding.why.includes(object));
}
