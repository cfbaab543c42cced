import { consolidationOf, startConsolidation } from '../client/start-consolidation.js';
import type { Consolidation } from '../contract/answers/consolidation-answers.js';
import { type ConsolidateInput, parseConsolidateInput } from '../contract/consolidate-input.js';
import { bytes } from '../monitor/format.js';
import { atServer } from './at-server.js';
import { awaited } from './awaited.js';
import { type CommonFlags } from './options.js';
import { storageOf } from './storage-options.js';
import { print } from './print.js';

export interface ConsolidateFlags extends CommonFlags {
  transactionBatchSize?: string;
  graceDays?: string;
  dryRun?: boolean;
}

/** `backup-maintenance consolidate`. Returns the exit code: 1 when damage kept batches from being consolidated. */
export async function runConsolidation(
  flags: ConsolidateFlags,
  signal: AbortSignal,
): Promise<number> {
  const input = consolidateInput(flags);
  parseConsolidateInput(input); // report a mistake before anything starts
  return atServer(flags, signal, async ({ client }, left) => {
    const handle = await startConsolidation(client, input);
    const done = await consolidationOf(awaited(client, handle, left));
    print(flags.json ? JSON.stringify(done) : describe(done).join('\n'));
    return done.ok ? 0 : 1;
  });
}

function consolidateInput(flags: ConsolidateFlags): ConsolidateInput {
  const given = {
    network: flags.network,
    trust_waypoints: flags.trustWaypoint?.length ? flags.trustWaypoint : undefined,
    transaction_batch_size: flags.transactionBatchSize,
    max_chunk_size: flags.maxChunkSize,
    grace_days: flags.graceDays,
    dry_run: flags.dryRun,
  };
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  return { storage: storageOf(flags), ...Object.fromEntries(known) };
}

function describe(done: Consolidation): string[] {
  const made = done.dry_run ? 'would be made' : 'made';
  const lines = [
    `${done.storage}: ${done.batch_count} full batch(es) of ${done.transaction_batch_size} versions ${made}`,
    ...done.batches.map((b) => `  ${b.first} to ${b.last}, of ${b.backups} small backups`),
  ];
  if (done.batch_count > done.batches.length) lines.push('  ...');
  if (!done.dry_run && done.batch_count > 0) {
    const size = `${done.chunks} chunks, ${bytes(done.bytes)}`;
    lines.push(`${done.retired_count} small backups are retired; the full ones have ${size}`);
  }
  for (const { first, last, why } of done.left) lines.push(`left: ${first} to ${last}: ${why}`);
  if (done.left_count > done.left.length) lines.push(`left: ${done.left_count} in all`);
  for (const { object, code, why } of done.findings) lines.push(`${code} ${object}: ${why}`);
  if (!done.ok) lines.push(`${done.damaged_count} batch(es) were left because of damage`);
  return lines;
}
