import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import { abortable } from '../client/calls.js';
import { startGc, startPrune } from '../client/start-retention.js';
import {
  type GcAnswer,
  type PruneAnswer,
  gcAnswer,
  pruneAnswer,
} from '../contract/answers/retention-answers.js';
import { readAnswer } from '../contract/answers/read-answer.js';
import type { StorageConfig } from '../contract/job.js';
import { parseGcInput, parsePruneInput } from '../contract/retention-input.js';
import { addGc } from '../contract/retention-memory.js';
import { openStorage } from '../storage/open.js';
import { gcPage, nothing } from '../upkeep/gc/gc.js';
import { describePlan } from '../upkeep/retention/describe-plan.js';
import { keepBackup, listPins, unkeepBackup } from '../upkeep/retention/pins.js';
import { planPrune } from '../upkeep/retention/plan.js';
import type { UpkeepTools } from '../upkeep/retention/retire.js';
import { atServer } from './at-server.js';
import { type Awaited, awaited } from './awaited.js';
import { type CommonFlags } from './options.js';
import { storageOf } from './storage-options.js';
import { describeGc, describePin, describePrune } from './print-retention.js';
import { type PruneFlags, rulesOf } from './retention-options.js';
import { say } from './say.js';
import { print } from './print.js';

/**
 * `repository prune`. Without `--yes` it only shows the plan. Returns the exit code: 1 when the plan would be refused, 2
 * when it was neither a dry run nor confirmed.
 */
export async function runPrune(
  flags: PruneFlags & { dryRun?: boolean; yes?: boolean },
  signal: AbortSignal,
): Promise<number> {
  const input = { storage: storageOf(flags), ...rulesOf(flags) };
  const { rules, graceMs, force } = parsePruneInput(input); // report a mistake before anything starts
  const show = (answer: PruneAnswer) =>
    print(flags.json ? JSON.stringify(answer) : describePrune(answer).join('\n'));
  if (flags.yes && !flags.dryRun) {
    const start = (client: Client) => startPrune(client, input);
    show(readAnswer(pruneAnswer, await resultAtServer(flags, start, signal), 'the prune'));
    return 0;
  }
  const { storage, report } = toolsFor(input.storage, 'prune', signal);
  const plan = await planPrune(storage, rules, report);
  const answer = await describePlan(storage, plan, graceMs, report);
  show(answer);
  if (answer.would_lose.length > 0 && !force) {
    say('This would be refused. Change the rules, or give --force if the loss is wanted.');
    return 1;
  }
  if (flags.dryRun || answer.retired_count === 0) return 0;
  say('Nothing was retired. Run it again with --yes to do it.');
  return 2;
}

/** `repository gc`. */
export async function runGc(
  flags: CommonFlags & { dryRun?: boolean; grace?: string },
  signal: AbortSignal,
): Promise<void> {
  const input = {
    storage: storageOf(flags),
    ...(flags.grace === undefined ? {} : { grace: flags.grace }),
  };
  const { graceMs } = parseGcInput(input);
  const start = (client: Client) => startGc(client, input);
  const answer = flags.dryRun
    ? await gcPlan(input.storage, graceMs, signal)
    : readAnswer(gcAnswer, await resultAtServer(flags, start, signal), 'the gc');
  print(flags.json ? JSON.stringify(answer) : describeGc(answer).join('\n'));
}

async function gcPlan(
  settings: StorageConfig,
  graceMs: number | undefined,
  signal: AbortSignal,
): Promise<GcAnswer> {
  // No server is asked about workflows. What one still works on is not old enough to go.
  const tools = { ...toolsFor(settings, 'gc', signal), isRunning: () => Promise.resolve(false) };
  let found: Omit<GcAnswer, 'storage' | 'done'> = nothing();
  let after: string | undefined;
  do {
    const { next, ...page } = await gcPage({ graceMs, dryRun: true, after }, tools);
    found = addGc(found, page);
    after = next;
  } while (after !== undefined);
  return { storage: tools.storage.description, done: false, ...found };
}

/** `repository keep`: without a backup it lists the pins. */
export async function runKeep(
  backup: string | undefined,
  flags: CommonFlags & { note?: string },
  signal: AbortSignal,
): Promise<void> {
  const tools = toolsFor(storageOf(flags), 'keep', signal);
  if (backup === undefined) {
    const pins = await listPins(tools);
    if (flags.json) print(JSON.stringify(pins));
    else print(pins.map(describePin).join('\n') || 'Nothing is pinned.');
    return;
  }
  const kept = await keepBackup(backup, flags.note, tools);
  print(flags.json ? JSON.stringify({ kept }) : `Pinned ${kept}: no keep rule retires it.`);
}

/** `repository unkeep`. */
export async function runUnkeep(
  backup: string,
  flags: CommonFlags,
  signal: AbortSignal,
): Promise<void> {
  const unkept = await unkeepBackup(backup, toolsFor(storageOf(flags), 'unkeep', signal));
  print(flags.json ? JSON.stringify({ unkept }) : `${unkept} is not pinned any more.`);
}

function toolsFor(settings: StorageConfig, command: string, signal: AbortSignal): UpkeepTools {
  const workflow = `aptos-backup repository ${command}`;
  return {
    storage: openStorage(settings, signal),
    holder: { owner: `command/${randomUUID()}`, host: hostname(), workflow },
    signal,
    report: () => undefined,
  };
}

/** Starts a workflow and waits for its result. */
function resultAtServer<R>(
  flags: CommonFlags,
  start: (client: Client) => Promise<Awaited<R>>,
  signal: AbortSignal,
): Promise<R> {
  return atServer(flags, signal, async ({ client }, left) => {
    const handle = await abortable(client, left, () => start(client));
    return awaited(client, handle, left);
  });
}
