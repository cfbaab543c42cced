import { isCancellation } from '@temporalio/workflow';
import type { CoordinatorInput } from '../plan/coordinator-input.js';
import type { CoordinatorMemory } from '../plan/coordinator.js';
import { CoordinatorRun } from './coordinator/coordinator-run.js';

/**
 * Follows one node into one storage, for years: epoch endings, state snapshots and transactions,
 * each as units that are workflows of their own. It starts from what the storage holds, decides from
 * that and from what the node has, and sleeps in a watch on the node while there is nothing to do.
 * `memory` is what a run hands to the next; people start it without.
 */
export async function backupCoordinator(
  input: CoordinatorInput,
  memory?: CoordinatorMemory,
): Promise<never> {
  const run = new CoordinatorRun(input, memory);
  try {
    for (;;) {
      if (await run.claimStorage()) {
        await run.surveyWhenDue();
        run.tidyWhenDue();
      }
      run.startUnits();
      await run.waitForNews();
      if (run.mustBeginAnew()) await run.continueAsNew();
    }
  } catch (error) {
    if (isCancellation(error)) await run.release();
    throw error;
  }
}
