/** docs/reference.md says what the schemas of the inputs say. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { reference } from '../../scripts/reference.js';

it('docs/reference.md is as `npm run docs` writes it', async () => {
  expect(readFileSync('docs/reference.md', 'utf8')).toBe(await reference());
});
