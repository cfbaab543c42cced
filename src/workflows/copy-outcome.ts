import type { CopyResult } from '../contract/answers/copy-answers.js';
import type { CopyTaskResult, CopyUnit } from '../contract/copying.js';
import { failureOf } from '../contract/failure.js';
import { DEADLY, failureCode, reasonOf } from './workflow-failure.js';

const NOTHING_COPIED = { files: 0, bytes: 0, kept: 0, gone: [] };

/** The result of a task that no worker or thread survives: its backups are skipped. All others are copied. */
export function deadlyCopy(units: readonly CopyUnit[], error: unknown): CopyTaskResult {
  if (!DEADLY.has(failureCode(error))) throw error;
  const why = `it could not be checked: ${reasonOf(error)}`;
  const bad = units.map(({ manifest }, unit) => {
    return { unit, skipped: { manifest, object: manifest, code: 'UNPROVEN' as const, why } };
  });
  return { ...NOTHING_COPIED, bad };
}

/** Fails the workflow when something was skipped, so that schedules and the UI show it. */
export function judgeCopy(result: CopyResult): CopyResult {
  const [first] = result.skipped;
  if (result.ok || !first) return result;
  const why = `${result.skipped_count} backup(s) were not copied, first ${first.manifest}: ${first.object}: ${first.why}`;
  throw failureOf('COPY_INCOMPLETE', why, { details: [result] });
}
