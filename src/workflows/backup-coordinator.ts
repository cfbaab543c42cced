import { isCancellation } from '@temporalio/workflow';
import type { CoordinatorInput } from '../contract/coordinator-input.js';
import type { CoordinatorMemory } from '../contract/coordinator-memory.js';
import { CoordinatorRun } from './coordinator/coordinator-run.js';

/**
 * Follows a node for years and keeps a storage up to date. It backs up epoch endings, state snapshots and
 * transactions as units, and each unit is a workflow of its own. It first reads what the storage holds.
 * From that and from what the node has, it decides what is due. While nothing is due, it waits in an
 * activity that watches the node. `memory` is what a run hands to the next one; people start the workflow
 * without it.
 */
export async function backupCoordinator(
  input: CoordinatorInput,
  memory?: CoordinatorMemory,
): Promise<never> {
  const run = new CoordinatorRun(input, memory);
  try {
    for (;;) {
      if (await run.storage.claim()) {
        await run.storage.surveyWhenDue();
        run.storage.tidyWhenDue(run.units.targets);
        run.storage.compactWhenDue();
        run.copies.copyWhenDue();
      }
      run.startUnits();
      await run.waitForNews();
      if (run.mustBeginAnew()) await run.continueAsNew();
    }
  } catch (error) {
    if (isCancellation(error)) await run.storage.release();
    throw error;
  }
}
