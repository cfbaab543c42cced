/**
 * Kill, hang, cut, fill or corrupt anything at any moment, on a disk or a bucket: what is committed is whole and proven, what is
 * not goes on where it stopped, and nobody has to be woken. Fixed seeds, whose plans have short outages, and damage while
 * there is certainly something to damage. `npm run chaos` runs longer and with other seeds.
 */
import { expect, it } from 'vitest';
import { type StorageKind, kindsFor, namesOf, planChaos } from './plan.js';
import { reportLines } from './report.js';
import { runChaos } from './run.js';
import { UpSystem } from './system.js';
import { UP_TARGETS } from './targets.js';

const SECONDS = 35;
/** Faults that end only by timeouts of half a minute are left to long runs. */
const TOO_SLOW = ['node stall'];
/** Each kind of the mix once, and a kill of every process. */
const kinds = (storage: StorageKind) => kindsFor(UP_TARGETS, storage, TOO_SLOW);

it.each([
  { seed: 5035, storage: 'folder' },
  { seed: 16491, storage: 's3' },
] as const)(
  'with seed $seed on storage $storage nothing is lost, nothing is stored twice, and nothing is left to do',
  async ({ seed, storage }) => {
    const plan = (impossible: string[]) =>
      planChaos({
        ...{ seed, seconds: SECONDS, kills: 1, targets: UP_TARGETS, storage },
        others: kinds(storage).length,
        without: [...impossible, ...TOO_SLOW],
      });
    const report = await runChaos({
      ...{ seed, seconds: SECONDS, growth: 12, storage, plan },
      build: (options) => Promise.resolve(new UpSystem(options)),
      say: (line) => console.log(line),
    });
    console.log(reportLines(report).join('\n'));
    // A strike without effect fails the run. The report names strikes that are not possible here.
    const struck = report.events.flatMap(({ event }) => [...namesOf(event)]);
    const wanted = [...kinds(storage), ...UP_TARGETS.map((target) => `kill ${target}`)];
    expect([...struck, ...report.impossible]).toEqual(expect.arrayContaining(wanted));
  },
  1_200_000,
);
