import { failureOf } from '../../contract/failure.js';
import { QUARANTINED } from '../../contract/messages.js';
import { type Unit, segmentSize } from '../../contract/unit.js';
import type { Patience } from './patience.js';
import { describeFailed } from './range-lanes.js';
import type { RangeRunner } from './range-runner.js';
import type { RunState } from './run-state.js';

/** One run of a backup workflow. */
export interface BackupRun {
  state: RunState;
  patience: Patience;
  runner: RangeRunner;
}

/** A backup carries so many failed ranges along. With more, it stops and waits for a fix. */
const MOST_FAILED = 50;

/**
 * Stores and proves every range of the unit from number `from` on, some hundred at a time. Failed ranges
 * are tried again after all others, or earlier when every range fails.
 */
export async function storeRanges(run: BackupRun, unit: Unit, from = 0): Promise<void> {
  const { state, runner } = run;
  state.enter('backing up');
  let next = from;
  let stopped = false;
  while (next < unit.rangeCount || state.failed.length > 0) {
    if (state.failed.length > 0 && (stopped || next >= unit.rangeCount)) {
      stopped = !(await tryFailedAgain(run, unit));
    } else {
      const to = Math.min(next + segmentSize(unit), unit.rangeCount);
      const { begun } = await runner.run({ unit, ranges: { from: next, to } });
      next += begun;
      stopped = next < to || state.failed.length >= MOST_FAILED;
    }
  }
}

/** Stores ranges again that a commit found missing or changed. */
export async function storeAgain(run: BackupRun, unit: Unit, broken: number[]): Promise<void> {
  const { state, runner } = run;
  state.enter('backing up');
  const { begun } = await runner.run({ unit, ranges: { only: broken }, counted: true });
  const reason = 'not started: too many other ranges failed';
  state.failed.push(...broken.slice(begun).map((index) => ({ index, reason })));
  await storeRanges(run, unit, unit.rangeCount);
}

/** Waits, then tries the failed ranges again. Returns whether all of them are stored now. */
async function tryFailedAgain(run: BackupRun, unit: Unit): Promise<boolean> {
  const { state, runner } = run;
  await block(run, unit);
  const again = state.failed.splice(0);
  const quarantined = again.flatMap((failure) => (failure.quarantined ? [failure.index] : []));
  const only = again.map(({ index }) => index);
  const { begun } = await runner.run({ unit, ranges: { only }, quarantined });
  state.failed.push(...again.slice(begun));
  return state.failed.length === 0;
}

/** Waits for a `retry` or the end of the rest; or fails, if the input says so. */
async function block({ state, patience }: BackupRun, unit: Unit): Promise<void> {
  const { failed } = state;
  const [first] = failed.map((failure) => describeFailed(unit, failure));
  const what = `${failed.length} range(s) failed, first ${first?.range}: ${first?.reason}`;
  if (patience.mayWait) return patience.wait(what, 'backing up');
  const { lies } = state.done;
  const deadly = failed.every(({ quarantined }) => quarantined);
  const pruned = failed.some((range) => range.pruned);
  const type = deadly ? QUARANTINED : pruned ? 'NODE_PRUNED' : 'RANGES_FAILED';
  throw failureOf(type, what, { final: true, ...(lies ? { details: [{ lies }] } : {}) });
}
