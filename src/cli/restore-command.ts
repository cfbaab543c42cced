import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { abortable } from '../client/calls.js';
import { Interrupted, UsageError } from '../client/command-failure.js';
import { reportOf, startDrill } from '../client/start-drill.js';
import { readAnswer } from '../contract/answers/read-answer.js';
import { drillStatus } from '../contract/answers/restore-answers.js';
import { type DrillInput, parseDrillInput } from '../contract/drill-input.js';
import { planRestore } from '../restore/plan/plan.js';
import { openReadable } from '../storage/index/open-readable.js';
import { atServer } from './at-server.js';
import { awaited } from './awaited.js';
import { type CommonFlags } from './options.js';
import { storageOf } from './storage-options.js';
import { describeDrill, describePlan } from './print-restore.js';
import { board, say, sayProgress } from './say.js';
import { print } from './print.js';

export interface RestoreFlags extends CommonFlags {
  targetVersion?: string;
  fromVersion?: string;
}

export interface PlanFlags extends RestoreFlags {
  downloadRate?: string;
  stateRate?: string;
  saveRate?: string;
  kvReplayRate?: string;
  replayRate?: string;
  stockTool?: string;
  targetDbDir?: string;
  adapterFile?: string;
}

export interface DrillFlags extends RestoreFlags {
  stockBinary?: string;
  scratch?: string;
  silenceSeconds?: string;
}

const PROGRESS_MS = 5_000;
/**
 * `restore plan`. Asks no server. Returns the exit code: 0 when the stock tool reaches what was asked for, else 1.
 * @throws UsageError, InputError, StorageError
 */
export async function runRestorePlan(flags: PlanFlags, signal: AbortSignal): Promise<number> {
  const { order } = parseDrillInput(drillInput(flags));
  const rates = {
    download: rateOf('--download-rate', flags.downloadRate),
    items: rateOf('--state-rate', flags.stateRate),
    save: rateOf('--save-rate', flags.saveRate),
    kvReplay: rateOf('--kv-replay-rate', flags.kvReplayRate),
    execute: rateOf('--replay-rate', flags.replayRate),
  };
  const adapterFile = path.resolve(flags.adapterFile ?? 'restore-adapter.yaml');
  const plan = await planRestore(await openReadable(order.settings.storage, signal), {
    settings: order.settings,
    target: order.target === undefined ? undefined : BigInt(order.target),
    from: order.from === undefined ? undefined : BigInt(order.from),
    rates,
    tool: flags.stockTool ?? 'aptos-db-tool',
    dbDir: flags.targetDbDir ?? '/opt/aptos/data/db',
    adapterFile,
    onProgress: every(PROGRESS_MS, say),
  }).catch((error: unknown) => {
    throw signal.aborted ? new Interrupted('interrupted; nothing was changed') : error;
  });
  const adapter = plan.commands?.adapter;
  if (adapter && flags.adapterFile !== undefined) {
    await writeFile(adapterFile, adapter.yaml);
    say(`Wrote ${adapterFile}`);
  }
  print(flags.json ? JSON.stringify(plan) : describePlan(plan).join('\n'));
  return plan.ok ? 0 : 1;
}

/** `restore drill`. Returns the exit code: 0 when the drill succeeded, 1 when it found a fault. */
export async function runRestoreDrill(flags: DrillFlags, signal: AbortSignal): Promise<number> {
  const input = drillInput(flags);
  parseDrillInput(input); // report a mistake before anything starts
  return atServer(flags, signal, async ({ client }, left) => {
    const { handle, joined } = await abortable(client, left, () => startDrill(client, input));
    if (joined) say('A drill of this storage runs already; this command waits for its end');
    let before = '';
    const show = (answer: unknown) => {
      const { phase, version } = readAnswer(drillStatus, answer, handle.workflowId);
      const text = `${phase}${version === undefined ? '' : `, up to version ${version}`}`;
      // It may prove or restore for hours: elsewhere than on a terminal, the same line once is enough.
      if (board() || text !== before) sayProgress(text);
      before = text;
    };
    const report = await reportOf(awaited(client, handle, left, show));
    print(flags.json ? JSON.stringify(report) : describeDrill(report).join('\n'));
    return report.ok ? 0 : 1;
  });
}

function drillInput(flags: RestoreFlags & DrillFlags) {
  const absolute = (name: string | undefined) => name && path.resolve(name);
  const given: Partial<DrillInput> = {
    network: flags.network,
    trust_waypoints: flags.trustWaypoint?.length ? flags.trustWaypoint : undefined,
    target_version: flags.targetVersion,
    from_version: flags.fromVersion,
    stock_binary: absolute(flags.stockBinary),
    scratch: absolute(flags.scratch),
    silence_seconds: flags.silenceSeconds,
  };
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  return { storage: storageOf(flags), ...Object.fromEntries(known) };
}

const UNITS: Record<string, number> = { '': 1, k: 1e3, M: 1e6, G: 1e9 };

/** A rate: a number above 0, with k, M or G for thousands, millions and thousands of millions. */
function rateOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, count, unit = ''] = /^([0-9]{1,12}(?:\.[0-9]{1,6})?)([kMG])?$/.exec(text) ?? [];
  const rate = Number(count) * UNITS[unit]!;
  if (rate > 0) return rate;
  throw new UsageError(`${flag} takes how much a second, like 50000, 80k or 100M, not "${text}"`);
}

/** Passes on what it is called with, at most once in `ms`. */
function every(ms: number, pass: (text: string) => void): (text: string) => void {
  let last = performance.now();
  return (text) => {
    if (performance.now() - last < ms) return;
    last = performance.now();
    pass(text);
  };
}
