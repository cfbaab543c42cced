/** What a run is said to have done: no more than was seen. */
import { expect, it } from 'vitest';
import type { Strike } from './plan.js';
import { reportLines } from './report.js';

it('tells how often somebody met what was made, and what could not be made', () => {
  const away: Strike = { kind: 'storage', mode: 'away', seconds: 1 };
  const events = [
    { strike: away, met: 0 },
    { strike: away, met: 3 },
    { strike: { kind: 'kill', target: 'up' } as const },
  ].map(({ strike, ...seen }, i) => ({
    event: { ...strike, number: i + 1, at: 0 },
    evidence: { text: 'it was done', ...seen },
  }));
  const checks = [{ what: 'processes left over', found: 'none' }];
  expect(reportLines({ events, checks, impossible: ['storage full'] })).toEqual([
    '  kill up                      1',
    '  storage away                 2, 1 of them met, 3×',
    '  storage full                 not possible on this machine',
    '  processes left over: none',
  ]);
});
