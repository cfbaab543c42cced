import { Context } from '@temporalio/activity';
import { WorkflowFailedError } from '@temporalio/client';
import { resultOf } from '../client/calls.js';
import { startCompaction } from '../client/start-compaction.js';
import type { Compaction } from '../contract/answers/compaction-answers.js';
import type { CompactionInput, CompactionOrder } from '../contract/compaction-input.js';
import type { StorageConfig } from '../contract/job.js';
import { openStorage } from '../storage/open.js';
import { compact } from '../upkeep/compaction/compact.js';
import { currentHeart } from './heartbeat.js';
import { holderOfActivity } from './holder.js';

export type UpkeepActivities = ReturnType<typeof createUpkeepActivities>;

/** The side effects of the workflows that keep a storage in order. */
export function createUpkeepActivities() {
  return {
    /** Compacts the metadata of a storage. Waits while another process takes care of it. */
    async compactMetadata({
      storage: config,
      ...order
    }: CompactionOrder & { storage: StorageConfig }): Promise<Compaction> {
      const { signal, beat } = currentHeart();
      const storage = openStorage(config, signal);
      return compact(order, {
        storage,
        holder: await holderOfActivity(),
        signal,
        report: (phase) => beat({ phase }),
        // A dry run writes nothing, and the clock of a storage is read by writing.
        now: () => (order.dryRun ? Promise.resolve(Date.now()) : storage.now()),
      });
    },

    /**
     * Starts the workflow of a compaction for a coordinator, or joins the running one, and waits for its end. Returns
     * why it failed. The workflow outlives this activity, and nobody cancels it.
     */
    async awaitCompaction(input: CompactionInput): Promise<{ failed?: string }> {
      const { client } = Context.current();
      const { signal, beat } = currentHeart();
      const { handle } = await startCompaction(client, input);
      beat({ workflow_id: handle.workflowId });
      try {
        await resultOf(client, handle, signal);
        return {};
      } catch (error) {
        if (!(error instanceof WorkflowFailedError)) throw error;
        return { failed: error.cause?.message ?? error.message };
      }
    },
  };
}
