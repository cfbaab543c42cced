import type { Client } from '@temporalio/client';
import { storageId } from '../storage/storage-id.js';
import { type LiveStatus, readCoordinator } from './coordinator.js';
import { lastVerification } from './last-verification.js';
import { listStuck } from './stuck.js';

/** Lists are not asked for more often. */
const LIST_MS = 30_000;

type Around = Pick<LiveStatus, 'stuck' | 'verification'>;

/** Reads a coordinator again and again, and now and then what else there is of its storage. */
export class Overseer {
  private around: Around = { stuck: [] };
  private listedAt = -Infinity;

  constructor(
    private readonly client: Client,
    private readonly workflowId: string,
  ) {}

  /** @throws StuckWorkflowError when the coordinator's own code fails, Error when nothing answers */
  async read(): Promise<LiveStatus> {
    const status = await readCoordinator(this.client, this.workflowId);
    if (performance.now() - this.listedAt >= LIST_MS) {
      this.listedAt = performance.now();
      this.around = await this.client.withDeadline(Date.now() + LIST_MS / 2, () =>
        this.list(`aptos-backup/${storageId({ local_fs_dir: status.storage })}/`),
      );
    }
    return { ...status, ...this.around };
  }

  /** Without lists, the status says what there is all the same. */
  private async list(prefix: string): Promise<Around> {
    const stuck = await listStuck(this.client, prefix).catch(() => this.around.stuck);
    const verification = await lastVerification(this.client, prefix).catch(
      () => this.around.verification,
    );
    return { stuck, ...(verification ? { verification } : {}) };
  }
}
