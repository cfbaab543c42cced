import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { VerifyCursor } from '../contract/verification.js';
import { type VerifyInput, parseVerifyInput } from '../contract/verify-input.js';
import { type VerifyMemory, parseVerifyMemory } from '../contract/verify-memory.js';
import { judge } from './verify-outcome.js';
import { VerifyRun } from './verify-run.js';
import { asInputFailure, asWorkflowFailure } from './workflow-failure.js';
import type { Coverage } from '../contract/answers/verify-answers.js';

/** Every workflow task and query replays the whole history. */
const LONG_HISTORY = 600;

/**
 * Reads a storage and proves everything in it from its own files. Returns the coverage statement. Fails
 * with it, type VERIFY_FAILED, when anything is damaged, missing or unproven. It works page by page;
 * after a kill it goes on with the page in hand.
 */
export async function verifyBackups(input: VerifyInput, memory?: VerifyMemory): Promise<Coverage> {
  const parsed = asInputFailure(() => parseVerifyInput(input));
  const begun = asInputFailure(() => parseVerifyMemory(memory ?? undefined));
  const run = new VerifyRun(parsed, begun);
  let cursor: VerifyCursor | undefined;
  try {
    do {
      cursor = await run.verifyPage();
      if (!cursor) return judge(await run.conclude());
    } while (workflowInfo().historyLength <= LONG_HISTORY);
  } catch (error) {
    throw asWorkflowFailure(error);
  }
  return continueAsNew<typeof verifyBackups>(input, run.memory(cursor));
}
