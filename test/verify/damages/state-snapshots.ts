import { splitRecords } from '../../support/storage-copy.js';
import { type Damage, flipAt, unsign } from './subject.js';

export const SNAPSHOT_DAMAGES: Damage[] = [
  [
    'two chunks of state swapped',
    (s) => s.swap(s.blobs(0), s.blobs(1)),
    (s) => [s.blobs(0), s.blobs(1)],
  ],
  [
    'two proofs of state swapped',
    (s) => s.swap(s.rangeProof(0), s.rangeProof(1)),
    (s) => [s.rangeProof(0), s.rangeProof(1)],
  ],
  [
    'the second half of the state not listed',
    (s) => s.editManifest(s.snapshot, (m) => m.chunks.splice(m.chunks.length >> 1)),
    (s) => [s.snapshot, s.blobs(-1)],
  ],
  [
    'no chunks of state',
    (s) => s.editManifest(s.snapshot, (m) => (m.chunks = [])),
    (s) => s.snapshot,
  ],
  [
    'the first chunk of state not listed',
    (s) => s.editManifest(s.snapshot, (m) => m.chunks.shift()),
    (s) => [s.snapshot, s.blobs(0)],
  ],
  [
    'a middle chunk of state not listed',
    (s) => s.editManifest(s.snapshot, (m) => m.chunks.splice(2, 1)),
    (s) => [s.snapshot, s.blobs(2)],
  ],
  [
    'the last chunk of state not listed',
    (s) => s.editManifest(s.snapshot, (m) => m.chunks.pop()),
    (s) => [s.snapshot, s.blobs(-1)],
  ],
  [
    'a middle chunk of state not listed, and indexes that fit',
    (s) => {
      s.editManifest(s.snapshot, (m) => {
        m.chunks.splice(2, 1);
        let next = 0;
        for (const chunk of m.chunks) {
          const count = Number(chunk['last_idx']) - Number(chunk['first_idx']);
          Object.assign(chunk, { first_idx: next, last_idx: next + count });
          next += count + 1;
        }
      });
    },
    (s) => [s.snapshot, s.blobs(2)],
  ],
  ['the last chunk of state emptied', (s) => s.write(s.blobs(-1), ''), (s) => s.blobs(-1)],
  [
    'a chunk of state listed twice',
    (s) => s.editManifest(s.snapshot, (m) => m.chunks.splice(1, 0, m.chunks[1]!)),
    (s) => s.snapshot,
  ],
  [
    'nonsense indexes',
    (s) =>
      s.editManifest(s.snapshot, (m) =>
        Object.assign(m.chunks[1]!, { first_idx: 7_000, last_idx: 7 }),
      ),
    (s) => s.snapshot,
  ],
  [
    'nonsense keys',
    (s) => s.editManifest(s.snapshot, (m) => (m.chunks[1]!['first_key'] = '0x' + 'ab'.repeat(32))),
    (s) => [s.blobs(1), s.snapshot],
  ],
  [
    'keys of another chunk',
    (s) => s.editManifest(s.snapshot, ({ chunks: [a, b] }) => (b!['last_key'] = a!['last_key'])),
    (s) => [s.blobs(1), s.blobs(2), s.snapshot],
  ],
  [
    'another epoch in the manifest',
    (s) => s.editManifest(s.snapshot, (m) => (m['epoch'] = 1)),
    (s) => s.snapshotLine,
  ],
  [
    'another version in the manifest',
    (s) => s.editManifest(s.snapshot, (m) => (m['version'] = Number(m['version']) - 1)),
    (s) => s.snapshotLine,
  ],
  [
    'another root in the manifest',
    (s) => s.editManifest(s.snapshot, (m) => (m['root_hash'] = 'ab'.repeat(32))),
    (s) => s.rootProof,
  ],
  [
    'the root proof of another snapshot',
    (s) => s.write(s.rootProof, s.read(s.otherRootProof())),
    (s) => s.rootProof,
  ],
  [
    'the signature of the root altered',
    (s) => s.edit(s.rootProof, (b) => flipAt(b, b.length - 3)),
    (s) => s.rootProof,
  ],
  [
    'the signature of the root altered, in an epoch newer than the history',
    (s) => {
      s.edit(s.rootProof, (b) => flipAt(b, b.length - 3));
      s.remove(s.epochLine);
    },
    (s) => s.rootProof,
  ],
  ['a snapshot newer than the history', (s) => s.remove(s.epochLine), (s) => s.rootProof],
  ['the signatures of the root removed', (s) => s.edit(s.rootProof, unsign), (s) => s.rootProof],
  [
    'a copy of the last item at the start of the next chunk',
    (s) => s.editRecords(s.blobs(1), (r) => [splitRecords(s.read(s.blobs(0))).at(-1)!, ...r]),
    (s) => s.blobs(1),
  ],
  [
    'an altered copy at the start of a chunk',
    (s) =>
      s.editRecords(s.blobs(1), (r) => [
        flipAt(splitRecords(s.read(s.blobs(0))).at(-1)!, -1),
        ...r,
      ]),
    (s) => s.blobs(1),
  ],
  [
    'an item of state dropped',
    (s) => s.editRecords(s.blobs(1), (r) => r.toSpliced(1, 1)),
    (s) => s.blobs(1),
  ],
  [
    'an item of state dropped, and the count',
    (s) => {
      s.editRecords(s.blobs(-1), (r) => r.slice(0, -1));
      s.editManifest(
        s.snapshot,
        (m) => (m.chunks.at(-1)!['last_idx'] = Number(m.chunks.at(-1)!['last_idx']) - 1),
      );
    },
    (s) => s.blobs(-1),
  ],
  [
    'an item of state twice',
    (s) => s.editRecords(s.blobs(1), (r) => [r[0]!, ...r]),
    (s) => s.blobs(1),
  ],
  [
    'items of state in another order',
    (s) => s.editRecords(s.blobs(1), (r) => [r[1]!, r[0]!, ...r.slice(2)]),
    (s) => s.blobs(1),
  ],
  [
    'an item of state with another value',
    (s) => s.editRecords(s.blobs(1), ([a, ...r]) => [flipAt(a!, -1), ...r]),
    (s) => s.blobs(1),
  ],
  [
    'a snapshot line with another version',
    (s) => s.editLine(s.snapshotLine, (l) => (l['version'] = Number(l['version']) - 1)),
    (s) => s.snapshotLine,
  ],
  [
    'a snapshot line with another epoch',
    (s) => s.editLine(s.snapshotLine, (l) => (l['epoch'] = 1)),
    (s) => s.snapshotLine,
  ],
  ['a snapshot line lost', (s) => s.remove(s.snapshotLine), (s) => s.snapshot],
];
