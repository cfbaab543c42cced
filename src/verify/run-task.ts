import { createHash } from 'node:crypto';
import type { TaskResult, UnitSlice, VerifyTask } from '../plan/verify.js';
import { leastProven } from '../backup/trust/proven.js';
import { checkSnapshot } from './check-snapshot.js';
import { checkTransactions } from './check-transactions.js';
import { Findings } from './findings.js';
import { joinPieces } from '../plan/pieces.js';
import {
  type ProvenSlice,
  fingerprint,
  forgetProven,
  readProven,
  rememberProven,
} from './proven-before.js';
import { type SliceManifest, filesOf, readSliceManifest } from './slice-manifest.js';
import type { StoredChain } from './stored-chain.js';
import type { CheckTools } from './stored-records.js';

type DataTask = Exclude<VerifyTask, { kind: 'epoch_endings' }>;

/**
 * Checks what one task names, under the chain of the same storage. What was proven before and is
 * unchanged since is not read again, unless `again`.
 */
export async function runTask(
  tools: CheckTools,
  task: DataTask,
  chain: StoredChain,
  again: boolean,
): Promise<TaskResult> {
  const findings = new Findings();
  const done = { bytes: 0, objects: 0 };
  const counting: CheckTools = {
    ...tools,
    onProgress: (more) => {
      done.bytes += more.bytes;
      done.objects += more.objects;
      tools.onProgress(more);
    },
  };
  const slices = task.kind === 'transactions' ? task.slices : [task.slice];
  const proven: ProvenSlice[] = [];
  let items = 0n;
  let skipped = 0;
  for (const slice of slices) {
    tools.signal.throwIfAborted();
    const unread = await fingerprint(tools.storage, [slice.manifest], '');
    const named = await findings.about(slice.manifest, slice.source, () =>
      readSliceManifest(tools, task.kind, slice),
    );
    if (!named) continue;
    const files = filesOf(named, slice);
    items = itemsOf(named);
    const trust = `${trustOf(chain)} ${slice.source} ${slice.first} ${slice.last}`;
    const before = await fingerprint(tools.storage, files, trust);
    const known = again ? undefined : await readProven(tools.storage, slice, before);
    if (known) {
      skipped += files.length;
      proven.push(known);
      continue;
    }
    const found = findings.count;
    counting.onProgress({ bytes: named.bytes, objects: 1 });
    const result = await check(counting, named, slice, chain, findings);
    // A disk may lose bytes without the store's knowing; what was proven once must not hide that.
    if (findings.count > found) await forgetProven(tools.storage, slice);
    if (!result) continue;
    proven.push(result);
    const sound = findings.count === found && result.proven !== 'not yet proven';
    // Only if nobody wrote to the files while they were read.
    const untouched =
      unread === (await fingerprint(tools.storage, [slice.manifest], '')) &&
      before === (await fingerprint(tools.storage, files, trust));
    if (sound && untouched) {
      await rememberProven(tools.storage, slice, before, result);
    }
  }
  const joined = joinPieces(proven.flatMap(({ pieces }) => pieces));
  for (const { object, code, why } of joined.findings) findings.add(object, code, why);
  const snapshot = task.kind === 'state_snapshot' ? proven[0] : undefined;
  return {
    findings: findings.list,
    findingCount: findings.count,
    pieces: joined.pieces,
    ...(snapshot ? { snapshot: snapshotOf(slices[0]!, snapshot, items) } : {}),
    records: `${proven.reduce((sum, { records }) => sum + records, 0)}`,
    ...done,
    skipped,
  };
}

async function check(
  tools: CheckTools,
  named: SliceManifest,
  slice: UnitSlice,
  chain: StoredChain,
  findings: Findings,
): Promise<ProvenSlice | undefined> {
  if (named.kind === 'transactions') {
    const result = await checkTransactions(tools, slice, named.manifest, chain, findings);
    return { ...result, proven: leastProven(result.pieces.map((piece) => piece.proven)) };
  }
  const before = findings.count;
  const result = await checkSnapshot(tools, slice, named.manifest, chain, findings);
  if (!result.proven || findings.count > before) return undefined;
  return { pieces: [], records: result.records, proven: result.proven };
}

function snapshotOf(slice: UnitSlice, { proven, records }: ProvenSlice, ofItems: bigint) {
  const { first: epoch, last: version, manifest, from, to, of } = slice;
  const items = { items: `${records}`, ofItems: `${ofItems}` };
  return { epoch, version, manifest, proven, chunks: to - from, of, ...items };
}

/** How many items the whole snapshot has. */
function itemsOf(named: SliceManifest): bigint {
  if (named.kind === 'transactions') return 0n;
  return (named.manifest.chunks.at(-1)?.lastIdx ?? -1n) + 1n;
}

/** What a proof rests on beside the files themselves: what is trusted, and the first ledger info. */
function trustOf(chain: StoredChain): string {
  const facts = [chain.ending(0n)?.waypoint ?? '', ...chain.trusted.list()];
  return createHash('sha256').update(facts.join('\n')).digest('hex').slice(0, 16);
}
