import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createBatchHasher } from '../../src/aptos/hash/batch-hasher.js';
import {
  commitEpochEndings,
  commitStateSnapshot,
  commitTransactions,
} from '../../src/backup/commit.js';
import { epochEndingKind } from '../../src/backup/kinds/epoch-ending.js';
import { stateSnapshotKind } from '../../src/backup/kinds/state-snapshot.js';
import { transactionKind } from '../../src/backup/kinds/transaction.js';
import {
  prepareEpochEndings,
  prepareStateSnapshot,
  prepareTransactions,
} from '../../src/backup/prepare.js';
import { backUpRange } from '../../src/backup/range.js';
import { type Site, openSite } from '../../src/backup/site.js';
import { parseInput } from '../../src/plan/input.js';
import type { Job, JobFor } from '../../src/plan/job.js';
import { type BackupResult, type Prepared, type Unit, rangeAt } from '../../src/plan/unit.js';
import { temporaryFolder } from './temporal.js';

const hasher = createBatchHasher();

export type Target =
  | { type: 'epoch_ending'; start_epoch: number; end_epoch: number }
  | { type: 'state_snapshot'; epoch: number | string }
  | { type: 'transaction'; start_version: number; num_transactions: number };

export interface Setup {
  node: string;
  folder: string;
  target: Target;
  maxChunkSize?: number;
  trust?: string[];
  /** As of a coordinator that has written into this storage before. */
  begun?: boolean;
  /** Everything as one range, however many chunks it has. */
  oneRange?: boolean;
  /** Runs before each range, with its number. */
  beforeRange?: (index: number) => void;
  /** Runs when everything is stored and nothing committed. */
  beforeCommit?: (unit: Unit) => void;
  /** Who commits; somebody new each time when absent. */
  owner?: string;
}

export function jobOf({
  node,
  folder,
  target,
  maxChunkSize = 20_000,
  trust = [],
  begun,
}: Setup): Job {
  const { type, ...range } = target;
  const storage = { local_fs_dir: folder };
  return parseInput(type, {
    node,
    storage,
    max_chunk_size: maxChunkSize,
    trust_waypoints: trust,
    ...(begun ? { existing_storage: true } : {}),
    ...range,
  }).job;
}

/** What a backup workflow does, without Temporal: each step once, nothing retried. */
export async function backUp(setup: Setup): Promise<BackupResult> {
  const job = jobOf(setup);
  const signal = AbortSignal.timeout(120_000);
  const data = temporaryFolder('data');
  const site = await openSite(job, job.nodes[0]!, data, signal);
  try {
    const prepared = await prepare(site, job, signal);
    if ('committed' in prepared) return prepared.committed;
    const unit = setup.oneRange ? asOneRange(prepared.unit) : prepared.unit;
    for (let i = 0; i < unit.rangeCount; i += 1) {
      setup.beforeRange?.(i);
      await backUpRange(unit.folder, rangeAt(unit, i), {
        type: job.target.type,
        kind: kindOf(site, job, unit),
        storage: site.storage,
        hasher,
        maxChunkSize: job.maxChunkSize,
        source: site.address,
        signal,
        report: () => undefined,
      });
    }
    setup.beforeCommit?.(unit);
    return await COMMIT[job.target.type]({
      site,
      job,
      unit,
      holder: { owner: setup.owner ?? randomUUID(), host: 'here', workflow: 'test' },
      signal,
      report: () => undefined,
    });
  } finally {
    site.node.close();
    rmSync(data, { recursive: true, force: true });
  }
}

function asOneRange(unit: Unit): Unit {
  return { ...unit, rangeSize: Number(unit.records), rangeCount: 1 };
}

const COMMIT = {
  epoch_ending: commitEpochEndings,
  state_snapshot: commitStateSnapshot,
  transaction: commitTransactions,
};

function prepare(site: Site, job: Job, signal: AbortSignal): Promise<Prepared> {
  switch (job.target.type) {
    case 'epoch_ending':
      return prepareEpochEndings(site, job as JobFor<'epoch_ending'>, 4, signal);
    case 'state_snapshot':
      return prepareStateSnapshot(site, job as JobFor<'state_snapshot'>, 4, signal);
    case 'transaction':
      return prepareTransactions(site, job as JobFor<'transaction'>, 4, signal);
  }
}

function kindOf(site: Site, job: Job, unit: Unit) {
  switch (job.target.type) {
    case 'epoch_ending':
      return epochEndingKind(site.node, site.ledgerInfos);
    case 'state_snapshot':
      return stateSnapshotKind(site.node, hasher, unit.snapshot!);
    case 'transaction':
      return transactionKind(site.node, hasher, site.ledgerInfos);
  }
}
