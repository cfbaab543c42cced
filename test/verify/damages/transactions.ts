import { cpSync, renameSync } from 'node:fs';
import { splitRecords } from '../../support/storage-copy.js';
import { type Damage, flipAt, unsign } from './subject.js';

export const TRANSACTION_DAMAGES: Damage[] = [
  [
    'two chunks of transactions swapped',
    (s) => s.swap(s.chunkOf(0), s.chunkOf(1)),
    (s) => [s.chunkOf(0), s.chunkOf(1)],
  ],
  [
    'two proofs of transactions swapped',
    (s) => s.swap(s.proofOf(0), s.proofOf(1)),
    (s) => [s.proofOf(0), s.proofOf(1)],
  ],
  [
    'the first transaction of a chunk dropped',
    (s) => s.editRecords(s.chunkOf(1), ([, ...rest]) => rest),
    (s) => s.chunkOf(1),
  ],
  [
    'the last transaction of a chunk dropped',
    (s) => s.editRecords(s.chunkOf(1), (r) => r.slice(0, -1)),
    (s) => s.chunkOf(1),
  ],
  [
    'a transaction twice',
    (s) => s.editRecords(s.chunkOf(1), (r) => [r[0]!, ...r]),
    (s) => s.chunkOf(1),
  ],
  [
    'transactions in another order',
    (s) => s.editRecords(s.chunkOf(1), (r) => [r[1]!, r[0]!, ...r.slice(2)]),
    (s) => s.chunkOf(1),
  ],
  [
    'the next chunk appended',
    (s) => s.edit(s.chunkOf(0), (b) => Buffer.concat([b, s.read(s.chunkOf(1))])),
    (s) => s.chunkOf(0),
  ],
  [
    'a transaction of another version',
    (s) =>
      s.editRecords(s.chunkOf(1), (r) => [splitRecords(s.read(s.chunkOf(0)))[0]!, ...r.slice(1)]),
    (s) => s.chunkOf(1),
  ],
  ['altered write sets', (s) => s.alterParts(s.chunkOf(1), 'writeSet'), (s) => s.chunkOf(1)],
  ['altered transactions', (s) => s.alterParts(s.chunkOf(1), 'transaction'), (s) => s.chunkOf(1)],
  ['altered infos', (s) => s.alterParts(s.chunkOf(1), 'info'), (s) => s.chunkOf(1)],
  ['altered events', (s) => s.alterParts(s.chunkOf(1), 'events'), (s) => s.chunkOf(1)],
  ['altered auxiliary infos', (s) => s.alterParts(s.chunkOf(1), 'auxiliary'), (s) => s.chunkOf(1)],
  [
    'the wrong format',
    (s) => s.editManifest(s.transactions, (m) => (m.chunks[1]!['format'] = 'V0')),
    (s) => s.chunkOf(1),
  ],
  [
    'an unknown format',
    (s) => s.editManifest(s.transactions, (m) => (m.chunks[1]!['format'] = 'V7')),
    (s) => s.transactions,
  ],
  [
    'the first chunk of transactions not listed',
    (s) => s.editManifest(s.transactions, (m) => m.chunks.shift()),
    (s) => s.transactions,
  ],
  [
    'a middle chunk of transactions not listed',
    (s) => s.editManifest(s.transactions, (m) => m.chunks.splice(1, 1)),
    (s) => s.transactions,
  ],
  [
    'the last chunk of transactions not listed',
    (s) => s.editManifest(s.transactions, (m) => m.chunks.pop()),
    (s) => s.transactions,
  ],
  [
    'no chunks of transactions',
    (s) => s.editManifest(s.transactions, (m) => (m.chunks = [])),
    (s) => s.transactions,
  ],
  [
    'a chunk of transactions listed twice',
    (s) => s.editManifest(s.transactions, (m) => m.chunks.splice(1, 0, m.chunks[1]!)),
    (s) => s.transactions,
  ],
  [
    'chunks of transactions that overlap',
    (s) =>
      s.editManifest(
        s.transactions,
        ({ chunks: [, b] }) => (b!['first_version'] = Number(b!['first_version']) - 1),
      ),
    (s) => s.transactions,
  ],
  [
    'chunks of transactions with a gap',
    (s) =>
      s.editManifest(
        s.transactions,
        ({ chunks: [, b] }) => (b!['first_version'] = Number(b!['first_version']) + 1),
      ),
    (s) => s.transactions,
  ],
  [
    'a last version that is not',
    (s) =>
      s.editManifest(s.transactions, (m) => (m['last_version'] = Number(m['last_version']) + 1)),
    (s) => s.transactions,
  ],
  [
    'a first version that is not',
    (s) =>
      s.editManifest(s.transactions, (m) => (m['first_version'] = Number(m['first_version']) - 1)),
    (s) => s.transactions,
  ],
  ['the signatures of a range removed', (s) => s.edit(s.proofOf(1), unsign), (s) => s.proofOf(1)],
  [
    'the signature of a range altered',
    (s) => s.edit(s.proofOf(1), (b) => flipAt(b, b.length - 3)),
    (s) => s.proofOf(1),
  ],
  [
    'a metadata line with another last version',
    (s) =>
      s.editLine(s.transactionLine, (l) => (l['last_version'] = Number(l['last_version']) + 80)),
    (s) => s.transactionLine,
  ],
  [
    'a metadata line with another first version',
    (s) => s.editLine(s.transactionLine, (l) => (l['first_version'] = 1)),
    (s) => s.transactionLine,
  ],
  [
    'a metadata line that names another manifest',
    (s) =>
      s.editLine(
        s.transactionLine,
        (l) => (l['manifest'] = s.manifestOf(s.metadata('transaction_1-'))),
      ),
    (s) => s.transactionLine,
  ],
  [
    'a metadata line that names nothing that is stored',
    (s) =>
      s.editLine(
        s.transactionLine,
        (l) => (l['manifest'] = 'transaction_9-.ffff/transaction.manifest'),
      ),
    () => 'transaction_9-.ffff/transaction.manifest',
  ],
  [
    'a metadata line that points outside',
    (s) => s.editLine(s.transactionLine, (l) => (l['manifest'] = '../../etc/passwd')),
    (s) => s.transactionLine,
  ],
  [
    'a range that two backups hold',
    (s) => {
      cpSync(s.path(s.transactions.split('/')[0]!), s.path('transaction_101-.ffff'), {
        recursive: true,
      });
      const line = s
        .read(s.transactionLine)
        .toString()
        .replace(/transaction_101-\.[0-9a-f]{4}/, 'transaction_101-.ffff');
      s.write('metadata/transaction_101-200b.meta', line);
    },
    () => 'metadata/transaction_101-200b.meta',
  ],
  [
    'a backup of another folder under its name',
    (s) => {
      const other = s.manifestOf(s.metadata('transaction_1-'));
      const [a, b] = [s.transactions, other].map((manifest) => s.path(manifest.split('/')[0]!)) as [
        string,
        string,
      ];
      renameSync(a, `${a}-`);
      renameSync(b, a);
      renameSync(`${a}-`, b);
    },
    (s) => [s.transactions, s.transactionLine],
  ],
];
