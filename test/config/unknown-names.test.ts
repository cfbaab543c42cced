/** What the reader of a configuration file does not expect is told as a mistake in the file, with its place. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { SETTINGS } from '../../src/config/settings.js';
import { problems } from '../support/config-problems.js';

describe.each(['constructor', 'toString', 'hasOwnProperty', '__proto__'])(
  'a field that is named like a member of all objects is unknown: %s',
  (name) => {
    it.each([
      ['at the top', [`${name}: 5`], 1, name],
      ['in a section', ['limits:', `  ${name}: 5`], 2, `limits.${name}`],
      [
        'in a schedule',
        ['schedules:', '  - kind: verify', `    ${name}: 5`],
        3,
        `schedules[0].${name}`,
      ],
      ['as a section', [`${name}:`, '  constructor: 5'], 1, name],
    ])('%s', (_, lines, line, field) => {
      const [told, ...more] = problems(...lines);
      expect(told).toMatch(`C, line ${line}, column `);
      expect(told).toMatch(`unknown field "${field}"`);
      expect(more).toEqual([]);
    });

    it('as a value', () => {
      for (const field of ['nodes', 'storage', 'network', 'limits', 'copy', 'schedules']) {
        for (const value of [`{ ${name}: 5 }`, `[{ ${name}: 5 }]`, name]) {
          expect(() => problems(`${field}: ${value}`)).not.toThrow();
        }
      }
      const [told] = problems('schedules:', `  - kind: ${name}`);
      expect(told).toMatch(`schedules[0].kind must be one of`);
    });
  },
);

it('a mistake of ours while a file is read makes the file unusable, and nothing else', () => {
  const broken = vi.spyOn(SETTINGS, 'find').mockImplementation(() => {
    throw new TypeError('schema.run is no function');
  });
  onTestFinished(() => broken.mockRestore());
  expect(problems('storage: /b')).toEqual([
    'C cannot be read: TypeError: schema.run is no function',
  ]);
});
