import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { CopyResult } from '../contract/answers/copy-answers.js';
import { type CopyInput, parseCopyInput } from '../contract/copy-input.js';
import { type CopyMemory, parseCopyMemory } from '../contract/copy-memory.js';
import type { CopyCursor } from '../contract/copying.js';
import { judgeCopy } from './copy-outcome.js';
import { CopyRun } from './copy-run.js';
import { asInputFailure, asWorkflowFailure } from './workflow-failure.js';

/** Every workflow task and query replays the whole history. */
const LONG_HISTORY = 600;

/**
 * Copies backups of a storage into another one, and proves each before it counts there. Returns what was copied. Fails
 * with it, type COPY_INCOMPLETE, when a backup was skipped. It works page by page; after a kill it goes on with the
 * page in hand.
 */
export async function copyBackups(input: CopyInput, memory?: CopyMemory): Promise<CopyResult> {
  const parsed = asInputFailure(() => parseCopyInput(input));
  const begun = asInputFailure(() => parseCopyMemory(memory ?? undefined));
  const run = new CopyRun(parsed, begun);
  let cursor: CopyCursor | undefined = begun?.cursor;
  try {
    do {
      cursor = await run.copyPage(cursor);
      if (!cursor) return judgeCopy(run.result());
    } while (workflowInfo().historyLength <= LONG_HISTORY);
  } catch (error) {
    throw asWorkflowFailure(error);
  }
  return continueAsNew<typeof copyBackups>(input, run.memory(cursor));
}
