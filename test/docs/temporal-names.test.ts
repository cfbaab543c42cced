/** docs/temporal.md names every workflow that one can start, and every kind of schedule. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { SCHEDULE_KINDS } from '../../src/client/schedule-kinds.js';

const docs = readFileSync('docs/temporal.md', 'utf8');

it('the table of workflows has all of them but segments, which only a backup starts', () => {
  const index = readFileSync('src/workflows/index.ts', 'utf8');
  const exported = [...index.matchAll(/export \{([^}]*)\}/g)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.trim()),
  );
  const named = [...docs.matchAll(/^\| `(\w+)` +\| (?!query|update|signal)/gm)].map(
    ([, name]) => name,
  );
  for (const name of exported.filter((one) => one !== 'chunkSegment'))
    expect(named).toContain(name);
});

it('the kinds of schedules are those that the command knows', () => {
  const [, kinds = ''] = /aptos-backup schedule create ([a-z|-]+)`/.exec(docs) ?? [];
  expect(kinds.split('|').sort()).toEqual([...SCHEDULE_KINDS].sort());
});
