import type { BackupType } from '../contract/job.js';
import { rulesOf } from '../contract/kinds/index.js';

/** What a coordinator answers to `backUpNow`, with the word that operators use for the stream. */
export function nowInWords(type: BackupType, answer: string): string {
  return answer.replace(new RegExp(`^${type}(?=:)`), rulesOf(type).words.many);
}
