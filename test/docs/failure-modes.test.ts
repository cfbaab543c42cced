/** Every test that docs/failure-modes.md names is there. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const LINK = /\[([^\]]+)\]\(\.\.\/([^)]+)\)/g;
const rows = readFileSync('docs/failure-modes.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| --'))
  .map((line) => line.slice(2, -2).split(' | '));
const named = rows.flatMap((cells) =>
  [...cells.at(-1)!.matchAll(LINK)].map(([, title, file]) => ({ title: title!, file: file! })),
);

it('names tests', () => {
  expect(rows.length).toBeGreaterThan(100);
  expect(named.length).toBeGreaterThan(120);
});

it.each(named)('$file: $title', ({ title, file }) => {
  const literals = ["'", '"', '`'].map((quote) => `${quote}${title}`);
  const text = readFileSync(file, 'utf8');
  expect(literals.some((literal) => text.includes(literal))).toBe(true);
});

it('names one for each row, or a command, or says that there is none', () => {
  const without = rows.filter((cells) => !/\]\(\.\.\/|^—|^Test|^`npm run/.test(cells.at(-1)!));
  expect(without).toEqual([]);
});
