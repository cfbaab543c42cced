import type { Client } from '@temporalio/client';
import { coordinatorId } from '../client/live-status.js';
import { workflowPrefix } from '../client/workflow-prefix.js';
import type {
  PageCoverage,
  PageStatus,
  PollingWorker,
  UnitInWork,
} from '../contract/answers/page-answers.js';
import type { LiveStatus } from '../contract/answers/shown-answers.js';
import type { StorageConfig } from '../contract/job.js';
import type { Span } from '../lib/spans.js';
import { type ListedWork, listWork } from './listed-work.js';
import { pollingWorkers } from './polling-workers.js';
import { StoredCoverage } from './stored-coverage.js';
import { unitsInWork } from './units-in-work.js';

/** Shortest time between two requests of the server, while somebody looks. */
const UNITS_MS = 3_000;
const LIST_MS = 10_000;
const ANSWER_MS = 5_000;

/** What the page shows of the storage that a command follows. */
export interface Followed {
  client: Client;
  storage: StorageConfig;
  /** URL of the Temporal UI, if it is known. */
  ui: string | undefined;
  signal: AbortSignal;
  /** The data folder of the command. */
  folder: string;
}

/**
 * What only the server and the storage know, read when the page is looked at. When one of them does not answer, the
 * last answer stays: the health says that something is wrong.
 */
export class FollowedStorage {
  readonly workflowId: string;
  readonly temporal: PageStatus['temporal'];
  private readonly prefix: string;
  private readonly coverage: StoredCoverage;
  private work: ListedWork = { running: [], ended: [] };
  private units: UnitInWork[] = [];
  private pollers: PollingWorker[] | undefined;
  private listedAt = -Infinity;
  private unitsAt = -Infinity;

  constructor(private readonly followed: Followed) {
    const { client, storage, ui, signal } = followed;
    this.workflowId = coordinatorId(storage);
    this.coverage = new StoredCoverage(storage, signal);
    this.prefix = workflowPrefix(storage);
    const { prefix } = this;
    const { namespace } = client.options;
    this.temporal =
      ui === undefined ? undefined : { ui: ui.replace(/\/+$/, ''), namespace, prefix };
  }

  get client(): Client {
    return this.followed.client;
  }

  /** What runs, what ended, and the units in work; `others`: also the workers, which are of other processes. */
  async around(
    status: LiveStatus | undefined,
    others: boolean,
  ): Promise<ListedWork & { units: UnitInWork[]; pollers?: PollingWorker[] }> {
    const [units, listed] = [this.unitsAt + UNITS_MS, this.listedAt + LIST_MS];
    const now = performance.now();
    const reading: Promise<void>[] = [];
    if (status && now >= units) {
      this.unitsAt = now;
      reading.push(
        this.ask(
          () => unitsInWork(this.client, status),
          (got) => (this.units = got),
        ),
      );
    }
    if (now >= listed) {
      this.listedAt = now;
      reading.push(
        this.ask(
          () => listWork(this.client, this.prefix, Date.now()),
          (got) => (this.work = got),
        ),
      );
      if (others) {
        reading.push(
          this.ask(
            () => pollingWorkers(this.client),
            (got) => (this.pollers = got),
          ),
        );
      }
    }
    await Promise.all(reading);
    const { work, units: inWork, pollers } = this;
    return { ...work, units: inWork, ...(others && pollers ? { pollers } : {}) };
  }

  /** @throws StorageError, CatalogError */
  stored(window: Partial<Span>, status: LiveStatus | undefined): Promise<PageCoverage> {
    const tip = status?.seen && BigInt(status.seen.version);
    return this.coverage.read(window, tip);
  }

  private async ask<T>(work: () => Promise<T>, take: (got: T) => void): Promise<void> {
    await this.client.withDeadline(Date.now() + ANSWER_MS, work).then(take, () => undefined);
  }
}
