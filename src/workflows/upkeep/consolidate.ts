import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { Consolidation } from '../../contract/answers/consolidation-answers.js';
import {
  type ConsolidateInput,
  type ConsolidateMemory,
  parseConsolidateInput,
  parseConsolidateMemory,
} from '../../contract/consolidate-input.js';
import { failureOf } from '../../contract/failure.js';
import { asInputFailure, asWorkflowFailure } from '../workflow-failure.js';
import { ConsolidateRun } from './consolidate-run.js';

/** Every workflow task and query replays the whole history. */
const LONG_HISTORY = 600;

/**
 * Makes full batches of small backups of transactions, from stored files alone, page by page. Returns what it did.
 * Fails with that, type CONSOLIDATION_DAMAGE, when it met damage: all other batches are consolidated then.
 */
export async function consolidateBackups(
  input: ConsolidateInput,
  memory?: ConsolidateMemory,
): Promise<Consolidation> {
  const parsed = asInputFailure(() => parseConsolidateInput(input));
  const begun = asInputFailure(() => parseConsolidateMemory(memory ?? undefined));
  const run = new ConsolidateRun(parsed, begun);
  let next: string | undefined;
  try {
    do {
      next = await run.page();
      if (next === undefined) return judge(run.totals);
    } while (workflowInfo().historyLength <= LONG_HISTORY);
  } catch (error) {
    throw asWorkflowFailure(error);
  }
  return continueAsNew<typeof consolidateBackups>(input, { from: next, totals: run.totals });
}

function judge(totals: Consolidation): Consolidation {
  if (totals.ok) return totals;
  const [first] = totals.findings;
  const why = first ? `, first ${first.object}: ${first.why}` : '';
  const message = `${totals.damaged_count} batch(es) were left because of damage${why}`;
  throw failureOf('CONSOLIDATION_DAMAGE', message, { details: [totals] });
}
