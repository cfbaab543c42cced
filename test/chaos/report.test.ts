/** A report claims no more than was seen. */
import { expect, it } from 'vitest';
import type { Strike } from './plan.js';
import { reportLines } from './report.js';

it('the report says how often each fault was met, and which faults were not possible', () => {
  const away: Strike = { kind: 'storage', mode: 'away', seconds: 1 };
  const events = [
    { strike: away, met: 0 },
    { strike: away, met: 3 },
    {
      strike: { kind: 'upload', mode: 'cut', seconds: 1 } as const,
      ...{
        met: 3,
        stages: new Map([
          ['put', 2],
          ['part', 1],
        ] as const),
      },
    },
    { strike: { kind: 'kill', target: 'up' } as const },
  ].map(({ strike, ...seen }, i) => ({
    event: { ...strike, number: i + 1, at: 0 },
    evidence: { text: 'it was done', ...seen },
  }));
  const throughout = [{ fault: { kind: 'error500', probability: 0.25 } as const, met: 812 }];
  const checks = [{ what: 'processes left over', found: 'none' }];
  expect(reportLines({ events, throughout, checks, impossible: ['storage full'] })).toEqual([
    '  node error500 25 %           all the time, met 812×',
    '  kill up                      1',
    '  storage away                 2, 1 of them met, 3×',
    '  upload cut                   1, 1 of them met, 3×',
    '  uploads at part              met 1×',
    '  uploads at put               met 2×',
    '  storage full                 not possible on this machine',
    '  processes left over: none',
  ]);
});
