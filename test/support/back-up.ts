import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createBatchHasher } from '../../src/aptos/index.js';
import { commitUnit } from '../../src/backup/commit/commit.js';
import { recordsOf } from '../../src/backup/kinds/index.js';
import { Learnt } from '../../src/backup/plan/learnt.js';
import { prepareUnit } from '../../src/backup/plan/prepare.js';
import { backUpRange } from '../../src/backup/range/range.js';
import type { NodeGate } from '../../src/node/gate.js';
import { openSite } from '../../src/site/site.js';
import { parseInput } from '../../src/contract/backup-input.js';
import type { Job } from '../../src/contract/job.js';
import { type BackupResult, type Unit, rangeAt } from '../../src/contract/unit.js';
import { temporaryFolder } from './temporary-folder.js';

export type Target =
  | { type: 'epoch_ending'; start_epoch: number; end_epoch: number }
  | { type: 'state_snapshot'; epoch: number | string }
  | { type: 'transaction'; start_version: number; num_transactions: number };

export interface Setup {
  node: string;
  folder: string;
  /** Another storage than the folder. */
  storage?: Job['storage'];
  target: Target;
  maxChunkSize?: number;
  trust?: string[];
  /** As for a coordinator that has written into this storage before. */
  begun?: boolean;
  /** Everything as one range, however many chunks it has. */
  oneRange?: boolean;
  /** The gate to the node, whose streams are limited. */
  gate?: NodeGate;
  /** Runs before each range, with its number. */
  beforeRange?: (index: number) => void;
  /** Runs when everything is stored and nothing committed. */
  beforeCommit?: (unit: Unit) => void | Promise<void>;
  /** The holder of the commit lock; without it, a new one each time. */
  owner?: string;
}

export function jobOf({
  node,
  folder,
  storage = { local_fs_dir: folder },
  target,
  maxChunkSize = 20_000,
  trust = [],
  begun,
}: Setup): Job {
  const { type, ...range } = target;
  return parseInput(type, {
    node,
    storage,
    max_chunk_size: maxChunkSize,
    trust_waypoints: trust,
    ...(begun ? { existing_storage: true } : {}),
    ...range,
  }).job;
}

/** The steps of a backup workflow, without Temporal: each once, without retries. */
export async function backUp(setup: Setup): Promise<BackupResult> {
  const job = jobOf(setup);
  const signal = AbortSignal.timeout(120_000);
  const data = temporaryFolder('data');
  // Of its own: a hasher has one memory, and backups of one test may run side by side.
  const hasher = createBatchHasher();
  const open = () => openSite(job, job.nodes[0]!, data, signal, () => setup.gate);
  const site = await open();
  // Ranges run in another process than plans and commits: it knows the epoch endings from a file, and no validators.
  const other = await open();
  try {
    const prepared = await prepareUnit(site, job, {
      lanes: 4,
      learnt: Learnt.from(site.address),
      signal,
    });
    if ('committed' in prepared) return prepared.committed;
    const unit = setup.oneRange ? asOneRange(prepared.unit) : prepared.unit;
    for (let i = 0; i < unit.rangeCount; i += 1) {
      setup.beforeRange?.(i);
      await backUpRange(unit.folder, rangeAt(unit, i), {
        type: unit.kind,
        source: recordsOf(unit, { node: other.node, hasher, ledgerInfos: other.ledgerInfos }),
        storage: site.storage,
        hasher,
        maxChunkSize: job.maxChunkSize,
        address: site.address,
        signal,
        report: () => undefined,
      });
    }
    await setup.beforeCommit?.(unit);
    return await commitUnit({
      site,
      job,
      unit,
      holder: { owner: setup.owner ?? randomUUID(), host: 'here', workflow: 'test' },
      signal,
      report: () => undefined,
    });
  } finally {
    site.node.close();
    other.node.close();
    rmSync(data, { recursive: true, force: true });
  }
}

function asOneRange(unit: Unit): Unit {
  return { ...unit, rangeSize: Number(unit.records), rangeCount: 1 };
}
