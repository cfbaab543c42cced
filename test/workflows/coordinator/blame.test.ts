/** An alarm blames what its error blames, whichever work met it. */
import { expect, it } from 'vitest';
import { failureOf } from '../../../src/contract/failure.js';
import type { ErrorCode } from '../../../src/errors/catalogue.js';
import { Hindrance } from '../../../src/workflows/coordinator/hindrance.js';
import { Memory } from '../../../src/workflows/coordinator/memory/memory.js';
import { openMemory } from '../../../src/workflows/coordinator/memory/open-memory.js';
import { statusOf } from '../../../src/workflows/coordinator/status.js';
import { coordinatorInput } from '../../support/coordinator.js';

function hindered() {
  const kept = openMemory(coordinatorInput(), undefined, 0);
  const memory = new Memory(kept);
  const hindrance = new Hindrance(memory, () => undefined);
  const codes = () => {
    memory.alarmsLookedAt(1, hindrance.lasting);
    return kept.alarms.map(({ code }) => code);
  };
  return { kept, hindrance, codes };
}

const failure = (code: ErrorCode) => failureOf(code, 'it failed');

it.each([
  ['STORAGE', 'NODE_UNREACHABLE', 'NODE'],
  ['STORAGE', 'NODE_REFUSED', 'NODE'],
  ['STORAGE', 'CHAIN_MISMATCH', 'NODE'],
  ['STORAGE', 'NO_SPACE', 'STORAGE'],
  ['STORAGE', 'INTERNAL', 'STORAGE'],
  ['WATCH', 'NO_SPACE', 'STORAGE'],
  ['WATCH', 'STORAGE_EMPTIED', 'STORAGE'],
  ['WATCH', 'STORAGE_MISSING', 'STORAGE'],
  ['WATCH', 'NODE_UNREACHABLE', 'WATCH'],
  ['WATCH', 'INTERNAL', 'WATCH'],
] as const)('the work %s that fails with %s raises %s until it succeeds', (work, code, alarm) => {
  const { hindrance, codes } = hindered();
  hindrance.failed(work, failure(code));
  expect(codes()).toEqual([alarm]);
  expect(hindrance.why).toBe(alarm);
  hindrance.claimed();
  expect(codes()).toEqual([alarm]);
  hindrance.over(work);
  expect(codes()).toEqual([]);
});

it('a work that fails for another reason blames another one, and not both', () => {
  const { hindrance, codes } = hindered();
  hindrance.failed('STORAGE', failure('NODE_UNREACHABLE'));
  hindrance.failed('STORAGE', failure('NO_SPACE'));
  expect(codes()).toEqual(['STORAGE']);
});

it('an alarm that two works raised lasts until both have succeeded', () => {
  const { hindrance, codes } = hindered();
  hindrance.failed('WATCH', failure('NO_SPACE'));
  hindrance.failed('STORAGE', failure('NO_SPACE'));
  hindrance.over('STORAGE');
  expect(codes()).toEqual(['STORAGE']);
  expect(hindrance.watchFailed).toBe(true);
  hindrance.over('WATCH');
  expect(codes()).toEqual([]);
});

it('the alarm of a node that was never seen lasts into the next run', () => {
  const { kept, hindrance } = hindered();
  hindrance.failed('STORAGE', failure('NODE_UNREACHABLE'));
  const memory = new Memory(kept);
  const next = new Hindrance(memory, () => undefined);
  memory.alarmsLookedAt(2, next.lasting);
  expect(kept.alarms).toMatchObject([{ code: 'NODE', text: 'it failed' }]);
  next.over('STORAGE');
  expect(kept.alarms).toEqual([]);
});

it('streams that wait name the alarm, which alone tells its text', () => {
  const { kept, hindrance } = hindered();
  hindrance.failed('STORAGE', failure('NO_SPACE'));
  kept.streams.state_snapshot.paused = true;
  const { streams, phase } = statusOf(kept, {}, {}, hindrance.why, 1);
  expect(phase).toBe('trouble');
  expect(streams.transaction.waiting_for).toBe('the end of the alarm STORAGE');
  expect(streams.state_snapshot.waiting_for).toBe('aptos-backup resume');
});
