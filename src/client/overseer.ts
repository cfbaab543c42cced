import type { Client } from '@temporalio/client';
import type { StorageConfig } from '../contract/job.js';
import { workflowPrefix } from './workflow-prefix.js';
import { readCoordinator } from './live-status.js';
import { lastVerification, withStored } from './last-verification.js';
import { drillWithStored, lastDrill } from './last-drill.js';
import { schedulesOf } from './schedules.js';
import { listStuck } from './stuck.js';
import { storageNamed } from '../contract/storage-name.js';
import type { LiveStatus } from '../contract/answers/shown-answers.js';

/** Shortest time between two requests of the server's lists. */
const LIST_MS = 30_000;

type Around = Pick<LiveStatus, 'stuck' | 'verification' | 'drill' | 'schedules'>;

/**
 * Reads a coordinator's status on each call. Twice a minute it also reads the storage's stuck workflows,
 * verifications and schedules.
 */
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
        this.list(storageNamed(status.storage)),
      );
    }
    const verification = withStored(this.around.verification, status.verified);
    const drill = drillWithStored(this.around.drill, status.verified);
    return { ...status, ...this.around, verification, drill };
  }

  /** If the server cannot list something, the last answer stays. */
  private async list(storage: StorageConfig): Promise<Around> {
    const prefix = workflowPrefix(storage);
    const stuck = await listStuck(this.client, prefix).catch(() => this.around.stuck);
    const verification = await lastVerification(this.client, prefix).catch(
      () => this.around.verification,
    );
    const drill = await lastDrill(this.client, prefix).catch(() => this.around.drill);
    const schedules = await schedulesOf(this.client, storage).catch(() => this.around.schedules);
    return { stuck, verification, drill, schedules: schedules?.length ? schedules : undefined };
  }
}
