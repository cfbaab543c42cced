import { codeOf, entryOf } from '../errors/catalogue.js';
import type { FindingCode } from '../errors/codes/findings-codes.js';
import type { Finding } from '../contract/answers/verify-answers.js';

const MOST_LISTED = 100;
const MOST_WORDS = 400;

/** Collects findings, so that one damaged object does not hide the next. Lists the first 100 and counts all. */
export class Findings {
  readonly list: Finding[] = [];
  count = 0;

  /** `namedBy`: the file that says what `object` should be. It may be the damaged one, so the finding names it too. */
  add(object: string, code: FindingCode, why: string, namedBy?: string): void {
    this.count += 1;
    if (this.list.length >= MOST_LISTED) return;
    const source = namedBy === undefined || why.includes(namedBy) ? '' : ` (named by ${namedBy})`;
    this.list.push({ object, code, why: `${why.slice(0, MOST_WORDS)}${source}` });
  }

  /**
   * Runs one step of the check of `object`. If the object is wrong, adds a finding and returns undefined.
   * If the object could not be read at all (the storage failed), throws.
   */
  async about<T>(
    object: string,
    namedBy: string,
    step: () => T | Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      this.add(object, findingOf(error), (error as Error).message, namedBy);
      return undefined;
    }
  }
}

// A form newer than this code, or unsigned history, is no damage. But it is not proven either.
function findingOf(error: unknown): FindingCode {
  const code = codeOf(error);
  const finding = code && entryOf(code).finding;
  if (finding === undefined) throw error;
  return finding;
}
