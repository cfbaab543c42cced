/** The schemas of answers: their names, and how the answer of a worker of another version is read. */
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { ANSWERS } from '../../scripts/reference-answers.js';
import {
  backupResult,
  backupStatus,
  dueResult,
} from '../../src/contract/answers/backup-answers.js';
import { readAnswer } from '../../src/contract/answers/read-answer.js';
import type { BackupResult } from '../../src/contract/unit.js';

interface Node {
  entries?: Record<string, Node>;
  item?: Node;
  wrapped?: Node;
}

/** Every name in a schema, with where it stands. */
function namesIn({ entries, item, wrapped }: Node, at: string): [name: string, at: string][] {
  return [
    ...(item ? namesIn(item, `${at}[]`) : []),
    ...(wrapped ? namesIn(wrapped, at) : []),
    ...Object.entries(entries ?? {}).flatMap(([name, node]) => [
      [name, `${at}.${name}`] as [string, string],
      ...namesIn(node, `${at}.${name}`),
    ]),
  ];
}

const status = {
  target: 'transactions 0 to 9',
  phase: 'backing up',
  ranges_total: 1,
  records_total: '10',
  done: { ranges: 0, records: '0', chunks: 0, bytes: 0, reused: 0 },
  concurrency: 4,
  paused: false,
  failed: [],
};

it.each(ANSWERS)('all names in "$title" are snake_case', ({ title, schema }) => {
  const names = namesIn(schema as Node, title);
  expect(names.length).toBeGreaterThan(1);
  expect(names.filter(([name]) => !/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name))).toEqual([]);
});

it.each(ANSWERS)('every field of "$title" says what it means', ({ schema, title }) => {
  const silent = Object.entries(schema.entries).filter(([, field]) => {
    const { wrapped = field } = field as { wrapped?: v.GenericSchema };
    return (v.getDescription(wrapped) ?? '') === '';
  });
  expect(silent.map(([name]) => `${title}: ${name}`)).toEqual([]);
});

it('an answer with fields of a newer version is read without them', () => {
  const newer = { ...status, mood: 'good', done: { ...status.done, moods: 3 } };
  expect(readAnswer(backupStatus, newer, 'w')).toEqual(status);
});

it.each([
  [
    'a field of an older version',
    { ...status, ranges_total: undefined, rangesTotal: 1 },
    'ranges_total',
  ],
  ['a field of another type', { ...status, done: { ...status.done, bytes: '1' } }, 'done.bytes'],
  ['no object at all', 'nothing', 'the whole answer'],
])('an answer with %s ends in an error that names it and says what to do', (_, answer, field) => {
  expect(() => readAnswer(backupStatus, answer, 'aptos-backup/x/coordinator')).toThrow(
    `aptos-backup/x/coordinator gives an answer that this version cannot read (${field}): its worker has another version; use one version for workers and commands`,
  );
});

it('what a backup returns is what the reference describes', () => {
  const result: BackupResult = {
    ...{ type: 'transaction', backup: 'b', manifest: 'm', metadata: 'l', first: '0', last: '9' },
    ...{ records: '10', chunks: 1, bytes: 5, proven: 'signed', chunks_reused: 0 },
    ...{ already_committed: false, anchor: { waypoint: '0:aa', confirmed: true } },
  };
  const described: v.InferOutput<typeof backupResult> = result;
  expect(readAnswer(backupResult, described, 'w')).toEqual(result);
  const due = { committed: ['l'], waiting_for: { transaction: 'version 10' }, more: false };
  expect(readAnswer(dueResult, due, 'w')).toEqual(due);
});
