import { proxyActivities } from '@temporalio/workflow';
import type { UnitActivities } from '../../activities/unit-activities.js';
import { type InputOf, parseInput } from '../../contract/backup-input.js';
import { type BackupType, describeTarget } from '../../contract/job.js';
import { withLies } from '../../contract/lies.js';
import type { BackupResult, Prepared, Unit } from '../../contract/unit.js';
import { controlOptions } from '../activity-options.js';
import { asInputFailure, asWorkflowFailure, incompleteRanges } from '../workflow-failure.js';
import { answerControls } from './controls.js';
import { Patience } from './patience.js';
import { RangeRunner } from './range-runner.js';
import { RunState } from './run-state.js';
import { type BackupRun, storeAgain, storeRanges } from './store-ranges.js';

const { planUnit, commitUnit } = proxyActivities<UnitActivities>(controlOptions);

/** After this many repairs between storing and commit, the backup fails. */
const MOST_REPAIRS = 30;

/** Backs up the ledger infos that end a range of epochs, each signed by the validators before it. */
export async function epochEndingBackup(input: InputOf<'epoch_ending'>): Promise<BackupResult> {
  return backUp('epoch_ending', input);
}

/** Backs up the whole state at the end of an epoch, proven to its root. */
export async function stateSnapshotBackup(input: InputOf<'state_snapshot'>): Promise<BackupResult> {
  return backUp('state_snapshot', input);
}

/** Backs up a range of transactions. Each chunk is proven by itself under a signed ledger info. */
export async function transactionBackup(input: InputOf<'transaction'>): Promise<BackupResult> {
  return backUp('transaction', input);
}

/**
 * Runs a backup of any kind: plan, store every range, commit. It stores again what the commit finds
 * missing.
 */
async function backUp(type: BackupType, input: unknown): Promise<BackupResult> {
  const { job, controls } = asInputFailure(() => parseInput(type, input));
  const { concurrency, whenBlocked } = controls;
  const state = new RunState(job, { concurrency, paused: false });
  const patience = new Patience(state, whenBlocked);
  const runner = new RangeRunner(state);
  answerControls(state, () => runner.tellSegment());
  const run = { state, patience, runner };
  try {
    const prepared = await plan(run);
    if ('committed' in prepared) return prepared.committed;
    const { unit } = prepared;
    state.unit = unit;
    await storeRanges(run, unit);
    for (let repairs = 0; ; repairs += 1) {
      const ended = await commit(run, unit, repairs < MOST_REPAIRS);
      if ('committed' in ended) return ended.committed;
      await storeAgain(run, unit, ended.incomplete);
    }
  } catch (error) {
    throw asWorkflowFailure(error);
  }
}

async function plan({ state, patience }: BackupRun): Promise<Prepared> {
  const { job, controls } = state;
  const summary = `plan ${describeTarget(job.target)}`;
  const prepared = await patience.persist('planning', summary, (options) =>
    planUnit.executeWithOptions(options, [job, controls.concurrency]),
  );
  const lies = withLies(prepared.lies);
  if ('committed' in prepared) {
    state.enter('done');
    return { committed: { ...prepared.committed, ...lies } };
  }
  Object.assign(state.done, lies);
  state.noteNetwork(prepared.anchor.network);
  return prepared;
}

/**
 * Commits the unit. Returns the ranges that must be stored again first, if the backup may repair them.
 */
async function commit(
  { state, patience }: BackupRun,
  unit: Unit,
  mayRepair: boolean,
): Promise<{ committed: BackupResult } | { incomplete: number[] }> {
  state.enter('committing');
  try {
    const result = await patience.persist('committing', `commit ${unit.folder}`, (options) =>
      commitUnit.executeWithOptions(options, [state.job, unit]),
    );
    state.enter('done');
    const { reused, lies } = state.done;
    return { committed: { ...result, chunks_reused: reused, ...withLies(lies, result.lies) } };
  } catch (error) {
    const incomplete = incompleteRanges(error);
    if (incomplete && mayRepair) return { incomplete };
    throw error;
  }
}
