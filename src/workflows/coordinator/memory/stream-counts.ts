import type { ErrorCode } from '../../../errors/catalogue.js';
import type { StreamMemory } from '../../../contract/coordinator-memory.js';
import { type Target, targetKey } from '../../../contract/job.js';
import type { BackupResult } from '../../../contract/unit.js';

/** Counts a failure of a unit in its stream. */
export function countFailure(
  stream: StreamMemory,
  target: Target,
  { code, reason }: { code: ErrorCode; reason: string },
  now: number,
): void {
  stream.lastError = { unit: targetKey(target), code, reason, at: now };
  const failures = (stream.failures ??= {});
  failures[code] = (failures[code] ?? 0) + 1;
}

/** Counts a commit in its stream. `since`: when the unit was started. */
export function countCommit(
  stream: StreamMemory,
  result: BackupResult,
  since: number,
  now: number,
): void {
  const answersRequest = (stream.askedAt ?? 0) <= since;
  // Genesis is a batch of its own. The batch after it opened when the coordinator started.
  const isGenesis = 'last' in result && result.last === '0';
  if (!isGenesis && answersRequest) stream.batchOpenSince = now;
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
}
