/** Every test that docs/failure-modes.md names exists, and no known failure mode is left out. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { titlesIn } from './titles.js';

/** `[12]: ../test/node/retries.test.ts 'the title'`, at the end of the page. */
const DEFINITION = /^\[(\d+)\]: \.\.\/(\S+) (['"])(.*)\3$/gm;
const page = readFileSync('docs/failure-modes.md', 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| --'))
  .map((line) => line.slice(2, -2).split(' | '));
const named = [...page.matchAll(DEFINITION)].map(([, number, file, , title]) => ({
  number: number!,
  file: file!,
  title: title!,
}));
const used = rows.flatMap((cells) =>
  [...cells.at(-1)!.matchAll(/\[(\d+)\]/g)].map(([, number]) => number!),
);
/** How many failure modes the survey has for each letter. */
const MODES = { A: 7, B: 7, C: 5, D: 9, E: 16, F: 5, G: 5, H: 9, I: 5, J: 9, K: 6 };

it('the page of failure modes names tests', () => {
  expect(rows.length).toBeGreaterThan(100);
  expect(named.length).toBeGreaterThan(120);
});

it('each number on the page has one test, and each test one number', () => {
  expect(named.map(({ number }) => number)).toEqual([...new Set(used)].sort((a, b) => +a - +b));
});

it.each(named)('$file: $title', ({ title, file }) => {
  expect([...titlesIn(file)]).toContain(title);
});

it('each row names a test or a command, or says that there is none', () => {
  const without = rows.filter((cells) => !/\[\d+\]|^—|^Test|^`npm run/.test(cells.at(-1)!));
  expect(without).toEqual([]);
});

it('the page has each failure mode once', () => {
  const wanted = Object.entries(MODES).flatMap(([part, count]) => numbers(part, 1, count));
  const ids = rows.map((cells) => cells[0]!.trim()).filter((id) => /^[A-Z]\d+\b/.test(id));
  expect(ids.flatMap(modesOf).sort()).toEqual(wanted.sort());
});

/** `B4`, `H4, H5, H7` or `J2 to J8`. */
function modesOf(cell: string): string[] {
  return cell.split(', ').flatMap((id) => {
    const [, part, first, last] = /^([A-Z])(\d+)(?: to \1(\d+))?$/.exec(id) ?? [];
    if (part === undefined) throw new Error(`no failure mode: ${id}`);
    return numbers(part, Number(first), Number(last ?? first));
  });
}

function numbers(part: string, first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => `${part}${first + i}`);
}
