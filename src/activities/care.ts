import type { RangeTask } from '../backup/range/range-thread-messages.js';
import {
  type Budgets,
  CONTROL_BUDGETS,
  COORDINATOR_BUDGETS,
  MOST_DEATHS,
  RANGE_BUDGETS,
} from './activity-failure.js';
import type { AttributeActivities } from './attribute-activities.js';
import type { CopyActivities } from './copy-activities.js';
import type { DrillActivities } from './drill-activities.js';
import type { ConsolidateActivities } from './consolidate-activities.js';
import type { CoordinatorActivities } from './coordinator-activities.js';
import type { GcActivities } from './gc-activities.js';
import type { Deaths } from './heartbeat.js';
import type { KeptCopyActivities } from './kept-copy-activities.js';
import { type RangeActivities, noteDeadlyRange } from './range-activities.js';
import type { UnitActivities } from './unit-activities.js';
import type { UpkeepActivities } from './upkeep-activities.js';
import type { VerifyActivities } from './verify-activities.js';

/** The failure budgets of an activity, and what happens when workers die with it in hand. */
interface Care {
  budgets: Budgets;
  deaths?: Deaths;
}

type Activities = UnitActivities &
  CoordinatorActivities &
  RangeActivities &
  VerifyActivities['control'] &
  VerifyActivities['chunks'] &
  CopyActivities['control'] &
  CopyActivities['chunks'] &
  DrillActivities &
  UpkeepActivities &
  KeptCopyActivities &
  ConsolidateActivities['control'] &
  ConsolidateActivities['chunks'] &
  GcActivities &
  AttributeActivities;

const OF_UNIT: Care = { budgets: CONTROL_BUDGETS, deaths: { most: MOST_DEATHS } };
const OF_CHUNK: Care = { budgets: RANGE_BUDGETS, deaths: { most: MOST_DEATHS } };
const OF_COORDINATOR: Care = { budgets: COORDINATOR_BUDGETS };
const OF_CONTROL: Care = { budgets: CONTROL_BUDGETS };

/** The compiler requires a line for each activity. An activity without care answers at once. */
const CARE: Record<keyof Activities, Care | undefined> = {
  planUnit: OF_UNIT,
  commitUnit: OF_UNIT,
  backUpRange: OF_CHUNK,
  verifyTask: OF_CHUNK,
  planVerification: OF_CONTROL,
  concludeVerification: OF_CONTROL,
  copyTask: OF_CHUNK,
  planCopy: OF_CONTROL,
  commitCopied: OF_CONTROL,
  planDrill: OF_CONTROL,
  restoreInScratch: OF_CONTROL,
  clearScratch: OF_CONTROL,
  concludeDrill: OF_CONTROL,
  planConsolidation: OF_CONTROL,
  consolidateBatch: OF_CHUNK,
  commitConsolidation: OF_CONTROL,
  planPrune: OF_CONTROL,
  retirePage: OF_CONTROL,
  removeGarbage: OF_CONTROL,
  backUpUnit: OF_CONTROL,
  compactMetadata: OF_CONTROL,
  awaitCompaction: OF_CONTROL,
  awaitCopy: OF_CONTROL,
  lookAtCopy: OF_COORDINATOR,
  claimStorage: OF_COORDINATOR,
  releaseStorage: OF_COORDINATOR,
  surveyStorage: OF_COORDINATOR,
  tidyStorage: OF_COORDINATOR,
  watchNode: OF_COORDINATOR,
  registeredAttributes: undefined,
};

/** The care of an activity; undefined: it needs none. */
export function careOf(activity: string, args: readonly unknown[]): Care | undefined {
  const care = CARE[activity as keyof Activities];
  if (activity !== 'backUpRange') return care;
  // Without the note, the next backup only loses time.
  const beforeApart = () => noteDeadlyRange(args[0] as RangeTask).catch(() => undefined);
  return { ...OF_CHUNK, deaths: { most: MOST_DEATHS, beforeApart } };
}
