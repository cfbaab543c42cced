import { expect, it } from 'vitest';
import { visible } from '../../src/lib/visible.js';

it('control characters are shown, and nothing obeys them', () => {
  expect(visible('a\u001b[2Jb\rc\u007fd\u009be')).toBe('a\\u001b[2Jb\\u000dc\\u007fd\\u009be');
  expect(visible('two lines\n\tof text, é, 鏈')).toBe('two lines\n\tof text, é, 鏈');
});

it('JSON stays what it was', () => {
  const value = { name: 'a\u001bb\u007fc\u009bd\ne' };
  expect(JSON.parse(visible(JSON.stringify(value)))).toEqual(value);
});
