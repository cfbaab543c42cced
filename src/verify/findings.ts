import { AptosDataError } from '../aptos/errors.js';
import { BackupError } from '../backup/errors.js';
import type { Finding, FindingCode } from '../plan/verify.js';
import { StorageError } from '../storage/errors.js';

const MOST_LISTED = 100;
const MOST_WORDS = 400;

/** Collects what is wrong, so that one damaged object does not hide the next. */
export class Findings {
  readonly list: Finding[] = [];
  count = 0;

  /** `namedBy`: the file that says what `object` should be, and may be the damaged one. */
  add(object: string, code: FindingCode, why: string, namedBy?: string): void {
    this.count += 1;
    if (this.list.length >= MOST_LISTED) return;
    const source = namedBy === undefined || why.includes(namedBy) ? '' : ` (named by ${namedBy})`;
    this.list.push({ object, code, why: `${why.slice(0, MOST_WORDS)}${source}` });
  }

  /**
   * Runs one step about one object. What is wrong with the object becomes a finding; what is wrong
   * with reaching it is thrown. Returns undefined when there was a finding.
   */
  async about<T>(
    object: string,
    namedBy: string,
    step: () => T | Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      this.add(object, codeOf(error), (error as Error).message, namedBy);
      return undefined;
    }
  }
}

function codeOf(error: unknown): FindingCode {
  if (error instanceof AptosDataError) return 'DAMAGED';
  // A signature that nobody can check is not damage, but no proof either.
  if (error instanceof BackupError)
    return error.code === 'HISTORY_UNSIGNED' ? 'UNPROVEN' : 'DAMAGED';
  if (error instanceof StorageError) {
    if (error.code === 'NOT_FOUND') return 'MISSING';
    if (error.code === 'NAME_INVALID' || error.code === 'TOO_LARGE') return 'DAMAGED';
  }
  throw error;
}
