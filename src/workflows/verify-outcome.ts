import { failureOf } from '../contract/failure.js';
import type { TaskResult, VerifyCursor, VerifyTask } from '../contract/verification.js';
import { DEADLY, failureCode, reasonOf } from './workflow-failure.js';
import type { Coverage } from '../contract/answers/verify-answers.js';

const UNPROVEN = 'UNPROVEN' as const;
const NOTHING_FOUND = { pieces: [], records: '0', bytes: 0, objects: 0, skipped: 0 };

/** Where a task begins. */
export function cursorAt(task: VerifyTask | undefined): VerifyCursor | undefined {
  if (!task || task.kind === 'epoch_endings') return undefined;
  const [slice] = task.kind === 'transactions' ? task.slices : [task.slice];
  if (!slice) return undefined;
  const { first, manifest, from, of } = slice;
  return { kind: task.kind, first, manifest, from, of };
}

/**
 * The result of a task that no worker or thread survives: its part is not proven. All other tasks count.
 */
export function deadlyTask(task: VerifyTask, error: unknown): TaskResult {
  if (!DEADLY.has(failureCode(error)) || task.kind === 'epoch_endings') throw error;
  const slices = task.kind === 'transactions' ? task.slices : [task.slice];
  const why = `it could not be checked: ${reasonOf(error)}`;
  const findings = slices.map(({ manifest }) => ({ object: manifest, code: UNPROVEN, why }));
  const unusable =
    task.kind === 'transactions'
      ? { transactions: slices }
      : { snapshots: slices.map(({ first, last }) => ({ epoch: first, version: last })) };
  return { ...NOTHING_FOUND, findings, findingCount: findings.length, unusable };
}

/** Fails the workflow when the storage is not whole and proven, so that schedules and the UI show it. */
export function judge(coverage: Coverage): Coverage {
  if (coverage.ok) return coverage;
  const { findings, finding_count: count, missing } = coverage;
  const [first] = findings;
  const [epochs, transactions] = [missing.epoch_endings[0], missing.transactions[0]];
  const why = first
    ? `${count} finding(s), first ${first.object}: ${first.why}`
    : epochs
      ? `epoch endings ${epochs.first} to ${epochs.last} are missing`
      : transactions
        ? `transactions ${transactions.first} to ${transactions.last} are missing`
        : 'nothing was verified';
  throw failureOf('VERIFY_FAILED', why, { details: [coverage] });
}
