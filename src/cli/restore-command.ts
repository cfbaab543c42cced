import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { abortable, resultOf } from '../client/calls.js';
import { Interrupted, UsageError } from '../client/command-failure.js';
import { reportOf, startDrill } from '../client/start-drill.js';
import { readAnswer } from '../contract/answers/read-answer.js';
import { drillStatus } from '../contract/answers/restore-answers.js';
import { type DrillInput, parseDrillInput } from '../contract/drill-input.js';
import { CONTROL_QUEUE, QUERY_STATUS } from '../contract/messages.js';
import { dataFolder } from '../lib/host/data-folder.js';
import { planRestore } from '../restore/plan/plan.js';
import { openReadable } from '../storage/index/open-readable.js';
import { workersPoll } from '../temporal/pollers.js';
import { openSession } from './open-session.js';
import { type CommonFlags, chunkWorkerCount, storageOf } from './options.js';
import { ownWorkers } from './own-workers.js';
import { describeDrill, describePlan } from './print-restore.js';
import { tellStuck } from './tell-stuck.js';
import { say } from './say.js';

export interface RestoreFlags extends CommonFlags {
  targetVersion?: string;
  fromVersion?: string;
}

export interface PlanFlags extends RestoreFlags {
  downloadRate?: string;
  stateRate?: string;
  saveRate?: string;
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
  console.log(flags.json ? JSON.stringify(plan) : describePlan(plan).join('\n'));
  return plan.ok ? 0 : 1;
}

/** `restore drill`. Returns the exit code: 0 when the drill succeeded, 1 when it found a fault. */
export async function runRestoreDrill(flags: DrillFlags, signal: AbortSignal): Promise<number> {
  const input = drillInput(flags);
  parseDrillInput(input); // report a mistake before anything starts
  const session = await openSession(flags, signal);
  const { client, connection, embedded, namespace } = session;
  const data = dataFolder(flags.dataDir);
  const worker = ownWorkers(session, { data, chunkWorkers: chunkWorkerCount(), say });
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  signal.addEventListener('abort', leave);
  let stop = () => {};
  try {
    if (!embedded && !(await workersPoll(connection, namespace, CONTROL_QUEUE))) {
      say(`No worker polls task queue ${CONTROL_QUEUE} yet; start one with: aptos-backup worker`);
    }
    const { handle, joined } = await abortable(client, leaving.signal, () =>
      startDrill(client, input),
    );
    if (joined) say('A drill of this storage runs already; this command waits for its end');
    const ask = async () =>
      readAnswer(drillStatus, await handle.query(QUERY_STATUS), handle.workflowId);
    let asking = false;
    const timer = setInterval(() => {
      if (asking) return; // no worker answers yet
      asking = true;
      abortable(client, leaving.signal, ask)
        .then(
          ({ phase, version }) =>
            say(`${phase}${version === undefined ? '' : `, up to version ${version}`}`),
          () => undefined,
        )
        .finally(() => (asking = false));
    }, PROGRESS_MS);
    const stopTelling = tellStuck(client, handle.workflowId, say);
    stop = () => {
      clearInterval(timer);
      stopTelling();
    };
    const report = await reportOf(resultOf(client, handle, leaving.signal));
    console.log(flags.json ? JSON.stringify(report) : describeDrill(report).join('\n'));
    return report.ok ? 0 : 1;
  } catch (error) {
    if (signal.aborted) throw new Interrupted('interrupted; run the same command again to go on');
    throw error;
  } finally {
    stop();
    signal.removeEventListener('abort', leave);
    leave();
    await worker?.stop();
    await session.close();
  }
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
