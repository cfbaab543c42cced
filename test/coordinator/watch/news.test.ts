/** A watch returns for another problem, but not with each try of the same one. */
import { expect, it } from 'vitest';
import { isNews } from '../../../src/coordinator/watch/news.js';
import { parseSettings } from '../../../src/contract/backup-input.js';

const SEEN = { ended: '4', version: '400', at: 1, versionsPerSecond: 0 };
const settings = parseSettings({ node: 'http://a:1', storage: { local_fs_dir: '/b' } });

/** Whether a watch that has lasted so long returns for this problem, while `known` is known. */
function returns(known: string | undefined, problem: string | undefined, seconds: number): boolean {
  const view = { ...SEEN, ...(known === undefined ? {} : { problem: known }) };
  const now = { ...SEEN, ...(problem === undefined ? {} : { problem }) };
  return isNews({ settings, need: '0', view }, now, 0, performance.now() - seconds * 1000);
}

it('begun or ended trouble is news at once, and another problem soon', () => {
  expect(returns(undefined, 'the node does not answer', 0)).toBe(true);
  expect(returns('the node does not answer', undefined, 0)).toBe(true);
  expect(returns('the node does not answer', 'the node is behind', 0)).toBe(false);
  expect(returns('the node does not answer', 'the node is behind', 11)).toBe(true);
});

it('the same problem with other numbers is news after some minutes', () => {
  expect(returns('no answer (asked 2 times)', 'no answer (asked 2 times)', 400)).toBe(false);
  expect(returns('no answer (asked 2 times)', 'no answer (asked 6 times)', 60)).toBe(false);
  expect(returns('no answer (asked 2 times)', 'no answer (asked 6 times)', 400)).toBe(true);
});
