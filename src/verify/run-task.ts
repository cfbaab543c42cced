import { joinPieces } from '../contract/pieces.js';
import { addUnusable, noneUnusable } from '../contract/unusable.js';
import { noReasons } from '../contract/verify-again.js';
import type { TaskResult, UnitSlice, VerifyTask } from '../contract/verification.js';
import { checkSlice, unusableOf } from './check-slice.js';
import { Findings } from './findings.js';
import type { ProvenSlice } from '../repository/proven-record.js';
import type { StoredChain } from './stored-chain.js';
import type { CheckTools } from './stored-records.js';

/**
 * Checks the slices of one task against the stored chain of epoch endings. Slices that an earlier
 * verification proved and that are unchanged are not read, unless `again` is set.
 */
export async function runTask(
  tools: CheckTools,
  task: Exclude<VerifyTask, { kind: 'epoch_endings' }>,
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
  const ledgerEpochs: (string | undefined)[] = [];
  const unusable = noneUnusable();
  const readAgain = noReasons();
  let items = 0n;
  let skipped = 0;
  for (const slice of slices) {
    const before = findings.count;
    const checked = await checkSlice(counting, { kind: task.kind, slice, chain, again, findings });
    if (checked.result) proven.push(checked.result);
    ledgerEpochs.push(checked.ledgerEpoch, checked.result?.ledgerEpoch);
    ({ items } = checked);
    if (checked.skipped) skipped += checked.files;
    for (const reason of checked.reasons) readAgain[reason] += checked.files;
    if (findings.count > before) addUnusable(unusable, unusableOf(task.kind, slice, checked));
  }
  const joined = joinPieces(proven.flatMap(({ pieces }) => pieces));
  for (const { object, code, why } of joined.findings) findings.add(object, code, why);
  addUnusable(unusable, { transactions: joined.unfit });
  const snapshot = task.kind === 'state_snapshot' ? proven[0] : undefined;
  return {
    findings: findings.list,
    findingCount: findings.count,
    pieces: joined.pieces,
    ...(snapshot ? { snapshot: snapshotOf(slices[0]!, snapshot, items) } : {}),
    ...newestEpoch(ledgerEpochs),
    unusable,
    readAgain,
    records: `${proven.reduce((sum, { records }) => sum + records, 0)}`,
    ...done,
    skipped,
  };
}

function snapshotOf(slice: UnitSlice, { proven, records }: ProvenSlice, ofItems: bigint) {
  const { first: epoch, last: version, manifest, from, to, of } = slice;
  const items = { items: `${records}`, ofItems: `${ofItems}` };
  return { epoch, version, manifest, proven, chunks: to - from, of, ...items };
}

function newestEpoch(named: readonly (string | undefined)[]): { ledgerEpoch?: string } {
  const epochs = named.flatMap((epoch) => epoch ?? []).map(BigInt);
  if (epochs.length === 0) return {};
  return { ledgerEpoch: `${epochs.reduce((max, epoch) => (epoch > max ? epoch : max))}` };
}
