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

  add(object: string, code: FindingCode, why: string): void {
    this.count += 1;
    if (this.list.length < MOST_LISTED)
      this.list.push({ object, code, why: why.slice(0, MOST_WORDS) });
  }

  /**
   * Runs one step about one object. What is wrong with the object becomes a finding; what is wrong
   * with reaching it is thrown. Returns undefined when there was a finding.
   */
  async about<T>(object: string, step: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      if (error instanceof AptosDataError) this.add(object, 'DAMAGED', error.message);
      else if (error instanceof BackupError) this.add(object, codeOfTrust(error), error.message);
      else if (error instanceof StorageError) this.unreadable(object, error);
      else throw error;
      return undefined;
    }
  }

  private unreadable(object: string, error: StorageError): void {
    switch (error.code) {
      case 'NOT_FOUND':
        return this.add(object, 'MISSING', error.message);
      case 'NAME_INVALID':
      case 'TOO_LARGE':
        return this.add(object, 'DAMAGED', error.message);
      default:
        throw error;
    }
  }
}

/** A signature that nobody can check is not damage, but no proof either. */
function codeOfTrust(error: BackupError): FindingCode {
  return error.code === 'HISTORY_UNSIGNED' ? 'UNPROVEN' : 'DAMAGED';
}
