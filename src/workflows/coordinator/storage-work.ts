import { CancellationScope, proxyActivities } from '@temporalio/workflow';
import type { CoordinatorActivities } from '../../activities/coordinator.js';
import { type CoordinatorMemory, STREAMS, type Survey } from '../../plan/coordinator.js';
import { targetKey } from '../../plan/job.js';
import type { BackupResult } from '../../plan/unit.js';
import { claimOptions, controlOptions, releaseOptions } from '../activity-options.js';
import { dropOvertaken, noteLies, noteStored } from './bookkeeping.js';
import type { Running } from './units.js';

const { surveyStorage, tidyStorage } = proxyActivities<CoordinatorActivities>(controlOptions);
const { claimStorage } = proxyActivities<CoordinatorActivities>(claimOptions);
const { releaseStorage } = proxyActivities<CoordinatorActivities>(releaseOptions);

/** Something given up may still be written to at first. */
export const TIDY_AFTER_MS = 3 * 60_000;

/** Claims the storage for this coordinator; returns who else has it. */
export async function claim(
  memory: CoordinatorMemory,
  { wait }: { wait: boolean },
): Promise<string | undefined> {
  const summary = wait ? 'wait for the storage' : 'claim the storage';
  const { settings, begun = false } = memory;
  const { heldBy, lies } = await claimStorage.executeWithOptions({ ...claimOptions, summary }, [
    { settings, begun, wait },
  ]);
  noteLies(memory, lies, Date.now());
  if (heldBy === undefined) memory.begun = true;
  return heldBy;
}

/** Lets the next coordinator in at once; where that fails it waits until ours has been silent for long. */
export async function release({ settings }: CoordinatorMemory): Promise<void> {
  await CancellationScope.nonCancellable(() => releaseStorage(settings)).catch(() => undefined);
}

/**
 * Learns what the storage holds. What was committed while it was read is added, because it may have
 * been read before.
 */
export async function survey(
  memory: CoordinatorMemory,
  committedMeanwhile: readonly BackupResult[],
): Promise<void> {
  const options = { ...controlOptions, summary: 'look at the storage' };
  const { lies, ...found } = await surveyStorage.executeWithOptions(options, [memory.settings]);
  requireNotEmptied(memory.survey, found);
  for (const result of committedMeanwhile) noteStored(found, result);
  memory.survey = found;
  memory.surveyedAt = Date.now();
  noteLies(memory, lies, Date.now());
  dropOvertaken(memory, found);
  memory.tidyAt = 0;
}

/** Has removed what nothing will ever name. Never throws. */
export async function tidy(memory: CoordinatorMemory, running: Running): Promise<void> {
  const { streams, settings } = memory;
  delete memory.tidyAt;
  const working = STREAMS.flatMap((type) => [
    ...(running[type] ? [running[type].target] : []),
    ...streams[type].requested,
    ...streams[type].failed.map(({ target }) => target),
  ]);
  const { givenUp } = streams.state_snapshot;
  const order = { settings, working: working.map(targetKey), givenUp };
  try {
    const options = { ...controlOptions, summary: 'tidy the storage' };
    memory.unreferenced = await tidyStorage.executeWithOptions(options, [order]);
    if (memory.unreferenced.again) memory.tidyAt = Date.now() + TIDY_AFTER_MS;
  } catch {
    // A storage that is in trouble is told by what depends on it.
  }
}

/** A storage that held backups and now shows none is an outage, whatever the listing says. */
function requireNotEmptied(before: Survey | undefined, now: Survey): void {
  const size = ({ epochs, versions, snapshots }: Survey) =>
    epochs.length + versions.length + snapshots.length;
  if (!before || size(before) === 0 || size(now) > 0) return;
  throw new Error(
    'the storage held backups before and now shows none: taken for an outage, nothing is written. If they were removed on purpose, terminate this workflow and start it again',
  );
}
