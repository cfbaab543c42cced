/**
 * Kill, hang, cut, fill or corrupt anything at any moment: what is committed is whole and proven, what
 * is not is resumed where it stood, and nobody has to be woken. Two fixed seeds; `npm run chaos` is
 * for long runs and other seeds.
 */
import { expect, it } from 'vitest';
import { kindsFor, namesOf, planChaos } from './plan.js';
import { reportLines } from './report.js';
import { runChaos } from './run.js';
import { UpSystem } from './system.js';
import { UP_TARGETS } from './targets.js';

const SECONDS = 35;
/** Silence that only ends by timeouts of half a minute is for long runs. */
const TOO_SLOW = ['node stall'];
/** Each kind of the mix once, beside a kill of every process. */
const KINDS = kindsFor(UP_TARGETS, TOO_SLOW);

it.each([11, 12])(
  'nothing is lost, nothing is there twice, nothing is to be done: seed %i',
  async (seed) => {
    const plan = (impossible: string[]) =>
      planChaos({
        ...{ seed, seconds: SECONDS, kills: 1, targets: UP_TARGETS, others: KINDS.length },
        without: [...impossible, ...TOO_SLOW],
      });
    const report = await runChaos({
      ...{ seed, seconds: SECONDS, plan },
      build: (options) => Promise.resolve(new UpSystem(options)),
      say: (line) => console.log(line),
    });
    console.log(reportLines(report).join('\n'));
    // A strike that does not show fails the run; one that is not possible here is told.
    const struck = report.events.flatMap(({ event }) => [...namesOf(event)]);
    const wanted = [...KINDS, ...UP_TARGETS.map((target) => `kill ${target}`)];
    expect([...struck, ...report.impossible]).toEqual(expect.arrayContaining(wanted));
  },
  600_000,
);
