import { type ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import { failureOf } from '../contract/failure.js';
import type { CoordinatorActivities } from '../activities/coordinator-activities.js';
import { type DueInput, parseDueInput } from '../contract/coordinator-input.js';
import { STREAMS } from '../contract/coordinator-state.js';
import { type NodeView } from '../contract/coordinator-memory.js';
import { decide } from './coordinator/decide.js';
import type { BackupType } from '../contract/job.js';
import { withLies } from '../contract/lies.js';
import { BACKUP_TYPE, NETWORK } from '../contract/search-attributes.js';
import { controlOptions } from './activity-options.js';
import { Attributes, storageAttribute } from './known-attributes.js';
import { Memory } from './coordinator/memory/memory.js';
import { openMemory } from './coordinator/memory/open-memory.js';
import { RunningUnit } from './coordinator/running-unit.js';
import { asInputFailure, asWorkflowFailure } from './workflow-failure.js';
import type { DueResult } from '../contract/answers/backup-answers.js';

const { surveyStorage, watchNode } = proxyActivities<CoordinatorActivities>(controlOptions);

/**
 * One turn of the coordinator, for schedules and for a single run. It backs up what is due in the given
 * streams: the open batch, the ended epochs, and a snapshot of the newest of them. It ends when nothing
 * is due. When a stream fails, the others still finish; then the workflow fails with the first failure.
 */
export async function backupDue(input: DueInput): Promise<DueResult> {
  const { types, mostUnits } = asInputFailure(() => parseDueInput(input));
  const { types: _types, most_units: _most, ...rest } = input;
  const memory = new Memory(openMemory(rest, undefined, Date.now()));
  new Attributes(
    { key: BACKUP_TYPE, value: 'due' },
    { key: NETWORK, value: memory.known.settings.network ?? 'unknown' },
    storageAttribute(memory.known.settings.storage),
  );
  const failures: ApplicationFailure[] = [];
  const result: DueResult = { committed: [], waiting_for: {}, more: false };
  try {
    await look(memory);
    for (const type of STREAMS.filter((stream) => types.includes(stream))) {
      const failed = await backUpStream(type, memory, mostUnits, result);
      if (failed) failures.push(failed); // the other streams go on
    }
    const [first] = failures;
    if (first) throw first;
  } catch (error) {
    throw asWorkflowFailure(error);
  }
  return { ...result, ...withLies(memory.known.lies) };
}

/** Reads what the storage holds and what the node has. */
async function look(memory: Memory): Promise<void> {
  const { settings } = memory.known;
  const survey = await surveyStorage(settings);
  const stored = survey.versions.at(-1)?.last;
  const order = { settings, need: '0', stored };
  const { view: node, lies } = await watchNode(order);
  requireUsable(node, stored);
  memory.surveyed(survey, [], Date.now());
  memory.nodeSeen(node);
  memory.nodesLied(lies, Date.now());
}

/** Backs up what is due in one stream. If a unit fails, it stops there and returns the reason. */
async function backUpStream(
  type: BackupType,
  memory: Memory,
  mostUnits: number,
  result: DueResult,
): Promise<ApplicationFailure | undefined> {
  for (;;) {
    const { survey, node, settings, streams } = memory.known;
    if (!survey || !node) return undefined;
    const decision = decide(type, { settings, survey, node, streams, now: Date.now() });
    if (!('start' in decision)) {
      result.waiting_for[type] = decision.waitingFor;
      return undefined;
    }
    if (result.committed.length >= mostUnits) {
      result.more = true;
      return undefined;
    }
    const unit = new RunningUnit(decision.start, Date.now(), survey.storageId);
    const end = await unit.run(settings, settings.existingStorage === true);
    memory.unitEnded(unit.target, end, unit.since, Date.now());
    memory.openBatchDue();
    if ('committed' in end) result.committed.push(end.committed.metadata);
    if ('failed' in end) return failureOf(end.failed.code, end.failed.reason, { final: true });
  }
}

/** Fails the run when there is no node to back up from: this run has no alarms that could tell it. */
function requireUsable(node: NodeView, stored = '0'): void {
  const refuse = (why: string) => failureOf('NODE_UNUSABLE', why);
  if (node.problem !== undefined) throw refuse(node.problem);
  if (node.at === 0) throw refuse('the node was not seen');
  if (BigInt(node.version) >= BigInt(stored)) return;
  throw refuse(
    `the node is at version ${node.version}, behind the storage, which goes to ${stored}`,
  );
}
