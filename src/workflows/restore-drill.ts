import type { DrillReport } from '../contract/answers/restore-answers.js';
import { type DrillInput, parseDrillInput } from '../contract/drill-input.js';
import { DrillRun } from './drill-run.js';
import { asInputFailure, asWorkflowFailure } from './workflow-failure.js';

/**
 * A restore drill: plans the restore of a storage, reads and proves every file that it needs, and lets a stock tool
 * restore it in a scratch folder, if one is given. Returns the report. Fails with it, type DRILL_FAILED, when
 * something is not proven, or was not restored as it is proven.
 */
export async function restoreDrill(input: DrillInput): Promise<DrillReport> {
  const run = new DrillRun(asInputFailure(() => parseDrillInput(input)));
  try {
    await run.plan();
    await run.prove();
    await run.restore();
    return await run.conclude();
  } catch (error) {
    throw asWorkflowFailure(error);
  } finally {
    await run.tidy();
  }
}
