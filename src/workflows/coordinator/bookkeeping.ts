import type { CoordinatorMemory, StreamMemory, Survey, TextSpan } from '../../plan/coordinator.js';
import { spans } from '../../plan/decide.js';
import { type BackupType, type Target, targetKey } from '../../plan/job.js';
import { type Lie, newestLies } from '../../plan/lies.js';
import { meet, unionOf } from '../../plan/spans.js';
import type { BackupResult } from '../../plan/unit.js';
import { type UnitEnd, isSameUnit, restAfter } from './units.js';

/** A lie is told for a day, or until somebody asks for a retry of everything. */
const LIE_TOLD_MS = 24 * 60 * 60_000;

/** Keeps the newest lie of each node; called again without one, it drops those that are old. */
export function noteLies(memory: CoordinatorMemory, lies: Lie[] | undefined, now: number): void {
  const { nodes } = memory.settings;
  const told = newestLies(memory.lies, lies).filter(
    ({ node, at }) => nodes.includes(node) && now - at < LIE_TOLD_MS,
  );
  delete memory.lies;
  if (told.length > 0) memory.lies = told;
}

/** What the coordinator's memory says after a unit ended. */
export function noteEnd(
  memory: CoordinatorMemory,
  target: Target,
  end: UnitEnd,
  since: number,
  now: number,
): void {
  const stream = memory.streams[target.type];
  const before = stream.failed.find((failed) => isSameUnit(failed.target, target));
  stream.failed = stream.failed.filter((failed) => failed !== before);
  stream.requested = stream.requested.filter((asked) => !isSameUnit(asked, target));
  if ('failed' in end) {
    noteError(stream, target, end.failed, now);
    noteLies(memory, end.failed.lies, now);
  }
  if ('committed' in end) {
    noteLies(memory, end.committed.lies, now);
    noteCommit(memory, target.type, end.committed, since, now);
  } else if ('givenUp' in end) {
    if (target.type === 'state_snapshot') stream.givenUp.push(target.epoch);
    stream.givenUp = stream.givenUp.slice(-20);
    raise(memory, 'SNAPSHOT_GIVEN_UP', `${labelOf(target)} was given up: ${end.givenUp}`, now);
  } else if (target.type === 'state_snapshot' && end.failed.code === 'NODE_PRUNED') {
    stream.givenUp.push(target.epoch);
    if (target.epoch !== '0') {
      raise(memory, 'SNAPSHOT_GIVEN_UP', `${labelOf(target)}: ${end.failed.reason}`, now);
    }
  } else if (end.failed.code === 'NODE_BEHIND') {
    // What the node said it had it has not: not to be tried again, but to be decided anew.
    raise(memory, `NODE_BEHIND_${target.type}`, `${labelOf(target)}: ${end.failed.reason}`, now);
  } else {
    const attempts = (before?.attempts ?? 0) + 1;
    const retryAt = now + restAfter(end.failed.code, attempts);
    const { reason, code } = end.failed;
    stream.failed.push({ target, reason, code, attempts, failedAt: now, retryAt });
    if (end.failed.code === 'NODE_PRUNED' && memory.node) delete memory.node.edgesAt;
  }
}

/** Codes come from failures, which anybody's worker may name as it likes: not too many of them. */
const MOST_CODES = 40;

function noteError(
  stream: StreamMemory,
  target: Target,
  { code, reason }: { code: string; reason: string },
  now: number,
): void {
  stream.lastError = { unit: targetKey(target), code, reason, at: now };
  const failures = (stream.failures ??= {});
  const isKnown = code in failures || Object.keys(failures).length < MOST_CODES;
  const counted = isKnown ? code : 'OTHER';
  failures[counted] = (failures[counted] ?? 0) + 1;
}

function noteCommit(
  memory: CoordinatorMemory,
  type: BackupType,
  result: BackupResult,
  since: number,
  now: number,
): void {
  const stream = memory.streams[type];
  const answersRequest = (stream.askedAt ?? 0) <= since;
  // Genesis is a batch of its own; what follows it is as old as the coordinator.
  if (result.last !== '0' && answersRequest) stream.batchOpenSince = now;
  stream.committed += 1;
  stream.committedRecords = `${BigInt(stream.committedRecords ?? 0) + BigInt(result.records)}`;
  stream.committedBytes = (stream.committedBytes ?? 0) + result.bytes;
  delete stream.lastError;
  stream.lastCommit = {
    at: now,
    what: result.metadata,
    records: result.records,
    bytes: result.bytes,
    seconds: result.already_committed ? 0 : (now - since) / 1000,
  };
  clear(memory, `NODE_BEHIND_${type}`);
  if (memory.survey) noteStored(memory.survey, result);
  if (memory.survey?.files !== undefined && !result.already_committed) memory.survey.files += 1;
  if (type === 'state_snapshot' && result.epoch !== '0') clear(memory, 'SNAPSHOT_GIVEN_UP');
}

/** Adds a committed backup to what is known to be stored. */
export function noteStored(survey: Survey, result: BackupResult): void {
  const { type, first, last, epoch } = result;
  if (type === 'state_snapshot') {
    if (epoch !== undefined && !survey.snapshots.includes(epoch)) survey.snapshots.unshift(epoch);
    return;
  }
  if (first === undefined || last === undefined) return;
  const kind = type === 'epoch_ending' ? 'epochs' : 'versions';
  survey[kind] = merge(survey[kind], { first, last });
  const [run] = survey.epochs;
  if (type === 'epoch_ending' && run?.first === '0' && run.last === last) {
    if (result.ends_at_version !== undefined) survey.epochsEndAt = result.ends_at_version;
  }
}

function merge(runs: readonly TextSpan[], more: TextSpan): TextSpan[] {
  return unionOf(spans([...runs, more])).map(({ first, last }) => ({
    first: `${first}`,
    last: `${last}`,
  }));
}

/** Whether the storage has all or some of a unit. */
export function holdsSomeOf(survey: Survey, target: Target): boolean {
  if (target.type === 'state_snapshot') return survey.snapshots.includes(target.epoch);
  const runs = spans(target.type === 'epoch_ending' ? survey.epochs : survey.versions);
  const [wanted] = spans([target]);
  return runs.some((run) => meet(run, wanted!));
}

/** Forgets what failed where others have stored some of it meanwhile: what is left is decided anew. */
export function dropOvertaken(memory: CoordinatorMemory, survey: Survey): void {
  for (const stream of Object.values(memory.streams)) {
    stream.failed = stream.failed.filter(({ target }) => !holdsSomeOf(survey, target));
  }
}

/**
 * Forgets transactions that failed because the node had pruned the first of them, once it is known what
 * it still has: that is decided anew, before it is pruned as well.
 */
export function dropPruned({ node, streams }: CoordinatorMemory): void {
  const oldest = BigInt(node?.oldestVersion ?? 0);
  const { transaction } = streams;
  transaction.failed = transaction.failed.filter(
    ({ target, code }) =>
      target.type !== 'transaction' || code !== 'NODE_PRUNED' || BigInt(target.first) >= oldest,
  );
}

/** An alarm keeps the time at which it was first raised. */
export function raise(memory: CoordinatorMemory, code: string, text: string, now: number): void {
  const known = memory.alarms.find((alarm) => alarm.code === code);
  if (known) known.text = text;
  else memory.alarms.push({ code, text, since: now });
}

export function clear(memory: CoordinatorMemory, code: string): void {
  memory.alarms = memory.alarms.filter((alarm) => alarm.code !== code);
}

function labelOf(target: Target): string {
  return target.type === 'state_snapshot'
    ? `the state snapshot of epoch ${target.epoch}`
    : `${target.first} to ${target.last}`;
}
