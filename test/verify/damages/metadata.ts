import { type Damage } from './subject.js';

export const METADATA_DAMAGES: Damage[] = [
  [
    'a torn metadata line',
    (s) => s.edit(s.transactionLine, (b) => b.subarray(0, 40)),
    (s) => s.transactionLine,
  ],
  [
    'a blank metadata line',
    (s) => s.edit(s.transactionLine, (b) => Buffer.concat([b, Buffer.from('\n\n')])),
    (s) => s.transactionLine,
  ],
  [
    'a metadata line of an unknown kind',
    (s) =>
      s.edit(s.transactionLine, (b) => Buffer.concat([b, Buffer.from('{"FutureBackup":{}}\n')])),
    (s) => s.transactionLine,
  ],
  [
    'metadata that is no text',
    (s) => s.write(s.transactionLine, Uint8Array.of(0xff, 0xfe, 0)),
    (s) => s.transactionLine,
  ],
  ['a metadata line lost', (s) => s.remove(s.transactionLine), (s) => s.transactions],
  [
    'a number above 2^64',
    (s) =>
      s.edit(s.transactionLine, (b) =>
        Buffer.from(
          b.toString().replace('"first_version":101', '"first_version":18446744073709551616'),
        ),
      ),
    (s) => s.transactionLine,
  ],
  [
    'a metadata line up to the largest version',
    (s) =>
      s.edit(s.transactionLine, (b) =>
        Buffer.from(
          b.toString().replace(/"last_version":\d+/, '"last_version":18446744073709551615'),
        ),
      ),
    (s) => s.transactionLine,
  ],
];
