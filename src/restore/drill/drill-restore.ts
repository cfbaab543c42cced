import { access, constants, writeFile } from 'node:fs/promises';
import type {
  DrillReport,
  RestorePlan,
  RestoreRates,
} from '../../contract/answers/restore-answers.js';
import type { StorageConfig } from '../../contract/job.js';
import { freeBytes } from '../../lib/host/free-bytes.js';
import { readAdapterConfig } from '../../storage/command/adapter-config.js';
import { redactionOf } from '../../storage/command/redaction.js';
import { adapterYaml } from '../plan/adapter-yaml.js';
import { restoreCommand, storageFlags } from '../plan/stock-commands.js';
import { DrillError } from './drill-error.js';
import { type ProgramEnd, runProgram } from './run-program.js';
import { type Scratch, diskUse, makeScratch, removeScratch } from './scratch.js';
import { StockLog, rateOf } from './stock-log.js';

export interface RestoreOrder {
  storage: StorageConfig;
  storageId: string;
  plan: DrillPlan;
  binary: string;
  /** The folder below which the drill has its own. */
  scratch: string;
  silenceMs: number;
  signal: AbortSignal;
  /** Free bytes that the tool must leave to others on the disk of the scratch folder. @default 1 GB */
  leastFreeBytes?: number;
  /** Longest wait for another drill of the storage on this host. @default a day */
  waitMs?: number;
  /** Called with what the tool does, while it says something. */
  onProgress: (progress: { phase: string; version?: string }) => void;
}

const LEAST_FREE_BYTES = 1e9;

/** What a drill needs of a plan; it travels from activity to activity. */
export interface DrillPlan {
  target: string;
  tree: { version: string; rootHash: string };
  kvVersion?: string;
  trust: string[];
  /** The storage needs a command adapter of ours. */
  adapter: boolean;
  /** It reads the index of a storage that lists nothing. */
  indexed?: boolean;
  /** Versions of the transactions that the tool reads begin here. */
  firstVersion: string;
  diskBytes?: number;
  fetchedBytes?: number;
}

export interface Restored {
  report: NonNullable<DrillReport['restore']>;
  /** Of a restore that succeeded. */
  rates?: RestoreRates;
}

/** What a drill needs of a plan that restores something. @throws when it restores nothing */
export function drillPlanOf(plan: RestorePlan, indexed = false): DrillPlan {
  const { restores_to: to, tree_snapshot: tree, kv_snapshot: kv, transactions } = plan;
  if (!to || !tree || !transactions) throw new Error('a plan that restores nothing');
  return {
    target: to.version,
    tree: { version: tree.version, rootHash: tree.root_hash },
    ...(kv ? { kvVersion: kv.version } : {}),
    trust: plan.waypoints.flatMap(({ waypoint, from }) => (from === 'storage' ? [] : [waypoint])),
    adapter: plan.commands?.adapter !== undefined,
    ...(indexed ? { indexed } : {}),
    firstVersion: transactions.first,
    ...(plan.disk?.bytes === undefined ? {} : { diskBytes: plan.disk.bytes }),
    ...(plan.fetch?.bytes === undefined ? {} : { fetchedBytes: plan.fetch.bytes }),
  };
}

/**
 * Lets the stock tool restore into a folder of its own, and compares what it says with what is proven. The folder is
 * removed, whatever happens. A restore that was interrupted begins anew: not all versions of the tool can go on.
 * @throws DrillError when the tool could not be run; the signal's reason when it aborts
 */
export async function drillRestore(order: RestoreOrder): Promise<Restored> {
  const { binary, plan, signal } = order;
  await access(binary, constants.X_OK).catch((error: unknown) => {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    const why = `the stock tool ${binary} cannot be run on this host (${code})`;
    throw new DrillError('STOCK_TOOL_UNUSABLE', `${why}; check --stock-binary`);
  });
  const room = { bytes: plan.diskBytes, spare: order.leastFreeBytes ?? LEAST_FREE_BYTES };
  const scratch = await makeScratch(order.scratch, order.storageId, room, {
    signal,
    onWait: () => order.onProgress({ phase: 'waiting for another drill of this storage' }),
    ...(order.waitMs === undefined ? {} : { mostMs: order.waitMs }),
  });
  try {
    signal.throwIfAborted();
    return await restoreInto(scratch, order);
  } finally {
    await removeScratch(scratch);
  }
}

async function restoreInto(scratch: Scratch, order: RestoreOrder): Promise<Restored> {
  const { storage, plan, binary, silenceMs, signal, onProgress } = order;
  const yaml = plan.adapter ? adapterYaml(storage, plan.indexed) : undefined;
  if (yaml !== undefined) await writeFile(scratch.adapterFile, yaml);
  const words = restoreCommand({
    tool: binary,
    storage: [
      ...storageFlags(storage, yaml === undefined ? undefined : scratch.adapterFile),
      ...['--metadata-cache-dir', scratch.cacheDir],
    ],
    dbDir: scratch.dbDir,
    target: BigInt(plan.target),
    historyFrom: plan.kvVersion === undefined ? undefined : BigInt(plan.kvVersion),
    trust: plan.trust,
  });
  const log = new StockLog(hiding(storage));
  const begun = performance.now();
  const end = await runProgram({
    command: words,
    env: toolEnvironment(scratch),
    cwd: scratch.dir,
    ...{ signal, silenceMs },
    mustEnd: () => whyFull(scratch, order.leastFreeBytes ?? LEAST_FREE_BYTES),
    onLine: told(log, onProgress),
  });
  const seconds = Math.round((performance.now() - begun) / 100) / 10;
  const dbBytes = await diskUse(scratch.dbDir);
  return judge(log, end, { plan, seconds, dbBytes });
}

/** A tool may say a hundred thousand lines a second; its progress is told this often, and when its phase changes. */
const TELL_MS = 1_000;

/** Passes lines to `log`, and now and then tells what it makes of them. */
function told(log: StockLog, onProgress: RestoreOrder['onProgress']): (line: string) => void {
  let last = { phase: '', at: -Infinity };
  return (line) => {
    log.take(line);
    const { phase, version } = log;
    const now = performance.now();
    if (phase === last.phase && now - last.at < TELL_MS) return;
    last = { phase, at: now };
    onProgress({ phase, ...(version === undefined ? {} : { version: `${version}` }) });
  };
}

/** Others have their files on the same disk, perhaps the backups or the database of the Temporal server. */
async function whyFull({ dir }: Scratch, least: number): Promise<string | undefined> {
  const free = await freeBytes(dir).catch(() => Infinity);
  return free < least ? `it left only ${(free / 1e9).toFixed(1)} GB free on its disk` : undefined;
}

/** Hides secrets of the storage in what the tool says. */
function hiding(storage: StorageConfig): (text: string) => string {
  const isAdapter = 'command_adapter_config' in storage;
  const own = isAdapter ? readAdapterConfig(storage.command_adapter_config).envVars : [];
  return redactionOf({ envVars: own });
}

function toolEnvironment({ temporaryDir }: Scratch): NodeJS.ProcessEnv {
  const { PUSH_METRICS_ENDPOINT: _, ...others } = process.env; // a drill is no restore to be watched
  return { ...others, RUST_LOG: 'info', TMPDIR: temporaryDir };
}

/** What is wrong with a restore, from what the tool said and how it ended; empty: nothing. */
export function wrongWith(log: StockLog, end: ProgramEnd, { target, tree }: DrillPlan): string[] {
  const because = log.failure === undefined ? '' : `: ${log.failure}`;
  if (!end.ok) return [`the stock tool did not restore, ${end.how}${because}`];
  const { root, version } = log;
  const wrong: string[] = [];
  if (!log.succeeded) wrong.push('the stock tool ended with exit code 0, but said no success');
  if (`${version}` !== target) {
    wrong.push(`it restored up to version ${version ?? 'none'}, and ${target} was expected`);
  }
  if (!root) {
    wrong.push('it said no state root, so nothing could be compared');
  } else if (`${root.version}` !== tree.version || root.hash !== tree.rootHash) {
    wrong.push(
      `its state root at version ${root.version} is ${root.hash}, and at version ${tree.version} ${tree.rootHash} is proven`,
    );
  }
  return wrong;
}

function judge(
  log: StockLog,
  end: ProgramEnd,
  { plan, seconds, dbBytes }: { plan: DrillPlan; seconds: number; dbBytes: number },
): Restored {
  const wrong = wrongWith(log, end, plan);
  const ok = wrong.length === 0;
  const { root, version } = log;
  const rate = (name: string, value: number | undefined) =>
    value === undefined ? {} : { [name]: value };
  return {
    report: {
      ok,
      seconds,
      exit: end.how,
      ...(version === undefined ? {} : { version: `${version}` }),
      ...(root ? { root_hash: root.hash, root_version: `${root.version}` } : {}),
      expected_root_hash: plan.tree.rootHash,
      db_bytes: dbBytes,
      last_lines: ok ? [] : log.last,
      why: wrong,
    },
    ...(ok
      ? {
          rates: {
            at: new Date().toISOString(),
            seconds,
            ...rate('items_per_second', rateOf(log.items)),
            ...rate('saved_per_second', rateOf(log.saved)),
            ...rate('kv_replayed_per_second', rateOf(log.replayed)),
            ...rate('executed_per_second', rateOf(log.executed)),
            ...rate('fetched_bytes', plan.fetchedBytes),
            db_bytes: dbBytes,
          },
        }
      : {}),
  };
}
