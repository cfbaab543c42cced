import { ApplicationFailure, proxyActivities, upsertSearchAttributes } from '@temporalio/workflow';
import type { CoordinatorActivities } from '../activities/coordinator.js';
import { type DueInput, parseDueInput } from '../plan/coordinator-input.js';
import { type NodeView, STREAMS } from '../plan/coordinator.js';
import { decide } from '../plan/decide.js';
import type { BackupType } from '../plan/job.js';
import { type Lie, newestLies, withLies } from '../plan/lies.js';
import { BACKUP_TYPE, NETWORK } from '../plan/search-attributes.js';
import { controlOptions } from './activity-options.js';
import { noteEnd, noteLies } from './coordinator/bookkeeping.js';
import { openMemory } from './coordinator/memory.js';
import { RunningUnit } from './coordinator/units.js';
import { asInputFailure, asWorkflowFailure } from './failures.js';

const { surveyStorage, watchNode } = proxyActivities<CoordinatorActivities>(controlOptions);

/** What one run did. */
export interface DueResult {
  /** Metadata lines that were written, or were there already. */
  committed: string[];
  /** What each stream has to wait for now. */
  waiting_for: Partial<Record<BackupType, string>>;
  /** Whether more is due than one run may do. */
  more: boolean;
  /** Which nodes sent what fails its proof. */
  lies?: Lie[];
}

/**
 * One turn of the coordinator, for schedules and for doing it once: backs up what is due in the
 * given streams, as one with a fixed input can say it: the batch that is open, the epochs that have
 * ended, a snapshot of the newest of them. Ends when nothing is due; fails as the first stream did that
 * failed, after the others.
 */
export async function backupDue(input: DueInput): Promise<DueResult> {
  const { types, mostUnits } = asInputFailure(() => parseDueInput(input));
  const { types: _types, most_units: _most, ...rest } = input;
  const memory = openMemory(rest, undefined, Date.now());
  const { settings, streams } = memory;
  upsertSearchAttributes([
    { key: BACKUP_TYPE, value: 'due' },
    { key: NETWORK, value: settings.network ?? 'unknown' },
  ]);
  const failures: ApplicationFailure[] = [];
  const result: DueResult = { committed: [], waiting_for: {}, more: false };
  try {
    const survey = await surveyStorage(settings);
    const stored = survey.versions.at(-1)?.last;
    const order = { settings, need: '0', ...(stored === undefined ? {} : { stored }) };
    const { view: node, lies } = await watchNode(order);
    requireUsable(node, stored);
    Object.assign(memory, { survey, node });
    noteLies(memory, newestLies(survey.lies, lies), Date.now());
    for (const type of STREAMS.filter((stream) => types.includes(stream))) {
      for (;;) {
        const decision = decide(type, { settings, survey, node, streams, now: Date.now() });
        if (!('start' in decision)) {
          result.waiting_for[type] = decision.waitingFor;
          break;
        }
        if (result.committed.length >= mostUnits) {
          result.more = true;
          break;
        }
        const unit = new RunningUnit(decision.start, Date.now(), survey.storageId);
        const end = await unit.run(settings, settings.existingStorage === true);
        noteEnd(memory, unit.target, end, unit.since, Date.now());
        streams.transaction.batchOpenSince = 0; // the open batch is due, too
        if ('committed' in end) result.committed.push(end.committed.metadata);
        if ('failed' in end) {
          const { reason, code } = end.failed;
          failures.push(ApplicationFailure.nonRetryable(reason, code));
          break; // of this stream: the others go on
        }
      }
    }
    const [first] = failures;
    if (first) throw first;
  } catch (error) {
    throw asWorkflowFailure(error);
  }
  return { ...result, ...withLies(memory.lies) };
}

/** Nobody but the failure of this run tells that there is nothing to back up from. */
function requireUsable(node: NodeView, stored = '0'): void {
  const refuse = (why: string) => ApplicationFailure.nonRetryable(why, 'NODE_UNUSABLE');
  if (node.problem !== undefined) throw refuse(node.problem);
  if (node.at === 0) throw refuse('the node was not seen');
  if (BigInt(node.version) >= BigInt(stored)) return;
  throw refuse(
    `the node is at version ${node.version}, behind the storage, which goes to ${stored}`,
  );
}
