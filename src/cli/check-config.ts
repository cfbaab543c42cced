import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Interrupted, messageOf } from '../client/command-failure.js';
import { parseNodes } from '../contract/backup-input.js';
import type { StorageConfig } from '../contract/job.js';
import { CHUNK_QUEUE, CONTROL_QUEUE } from '../contract/messages.js';
import { isNested, isSamePlace, storageName } from '../contract/storage-name.js';
import { dataFolder, keepCachesIn } from '../lib/host/data-folder.js';
import { findOnPath, isProgram } from '../lib/host/find-on-path.js';
import { readListenAddress } from '../lib/listen-address.js';
import { HealthServer } from '../monitor/health-server.js';
import { type NotifyFlags, type NotifySettings, notifySettings } from '../notify/settings.js';
import { isFit } from '../repository/check-storage.js';
import { type NodeFacts, askNode } from '../site/ask-node.js';
import { configuredServer } from '../temporal/connection.js';
import { pollersOf } from '../temporal/pollers.js';
import type { DeclaredSchedule } from '../config/schedules.js';
import type { AppliedConfig } from './applied-config.js';
import { checksOf } from './check-command.js';
import { pageToken } from './open-page.js';
import { openSession } from './open-session.js';
import { type CoordinatorFlags, copyTargetOf } from './options.js';
import { namesStorage, storageOf } from './storage-options.js';
import { print } from './print.js';
import { type Try, tryFolder } from './try-folder.js';

/** Of a way of notifications. */
const HOW_TO_TRY = 'not tried; to send a message: aptos-backup notify test --config FILE';

/** One thing that the configuration names, and whether it works. */
interface Row {
  what: string;
  name: string;
  works: boolean;
  /** What was seen; or what is wrong, and what to do. */
  means: string;
}

/**
 * `check` of a configuration: tries everything that it names, and leaves nothing behind. Returns the exit code: 0 when
 * all of it works, else 1.
 */
export async function checkConfig(applied: AppliedConfig, signal: AbortSignal): Promise<number> {
  const flags = applied.flags<CoordinatorFlags>();
  const rows: Row[] = [];
  keepCachesIn(undefined);
  if (!flags.json) print(`What ${applied.config.file} names:`);
  for (const { what, name, ...one } of triesOf(applied, flags, signal)) {
    if (signal.aborted) throw new Interrupted('interrupted; nothing was left behind');
    const row: Row = await one.try().then(
      (means) => ({ what, name, works: true, means }),
      (error: unknown) => ({ what, name, works: false, means: messageOf(error) }),
    );
    rows.push(row);
    if (!flags.json) print(describeRow(row));
  }
  if (signal.aborted) throw new Interrupted('interrupted; nothing was left behind');
  const bad = rows.filter(({ works }) => !works).length;
  if (flags.json) print(JSON.stringify({ file: applied.config.file, works: bad === 0, rows }));
  else print(verdict(bad, rows.length));
  return bad === 0 ? 0 : 1;
}

function verdict(bad: number, all: number): string {
  return bad === 0 ? 'All of it works.' : `${bad} of ${all} ${bad === 1 ? 'does' : 'do'} not work.`;
}

function describeRow({ what, name, works, means }: Row): string {
  return `  ${what.padEnd(10)} ${name.padEnd(36)} ${works ? 'yes' : 'NO '}  ${means}`;
}

function triesOf(applied: AppliedConfig, flags: CoordinatorFlags, signal: AbortSignal): Try[] {
  const { file, given, schedules } = applied.config;
  const copyTo = copyTargetOf(flags);
  const said = `${given.size} settings, ${schedules.length} schedules`;
  return [
    { what: 'file', name: file, try: () => Promise.resolve(said) },
    ...triesOfNodes(flags, signal),
    ...(namesStorage(flags) ? [tryStorage('storage', storageOf(flags), signal)] : []),
    ...(copyTo ? [tryCopy('copy.to', flags, copyTo, signal)] : []),
    ...schedules.map(({ kind, words }) => ({
      ...{ what: 'schedule', name: kind },
      try: () => Promise.resolve(words),
    })),
    ...schedules.flatMap((one) => triesOfSchedule(one, flags, signal)),
    ...triesOfRules(applied),
    ...triesOfTemporal(flags, signal),
    ...triesOfPage(flags),
    ...triesOfNotifications(flags),
    tryFolder('data_dir', dataFolder(flags.dataDir)),
  ];
}

/** What cannot be tried, because its settings are wrong. */
function failed(what: string, name: string, error: unknown): Try {
  return { what, name, try: () => Promise.reject(new Error(messageOf(error))) };
}

function triesOfRules({ config }: AppliedConfig): Try[] {
  const rules = [...config.given].filter(([name]) => name.startsWith('retention.'));
  if (rules.length === 0) return [];
  const words = rules.map(([name, { value }]) => `${name.slice(10)} ${String(value)}`).join(', ');
  const isUsed = config.schedules.some(({ kind }) => kind === 'prune');
  const when = isUsed ? '' : '; only repository prune uses it: no schedule is of kind prune';
  return [{ what: 'retention', name: 'keep rules', try: () => Promise.resolve(words + when) }];
}

/** All of them must serve the chain that the first serves, and that the storage has. */
function triesOfNodes(flags: CoordinatorFlags, signal: AbortSignal): Try[] {
  const { backupServiceAddress: nodes, network, trustWaypoint: trustWaypoints = [] } = flags;
  if (nodes === undefined) return [];
  let first: NodeFacts | undefined;
  return parseNodes(nodes).map((address) => ({
    ...{ what: 'node', name: address },
    async try() {
      const storage = namesStorage(flags) ? storageOf(flags) : undefined;
      const folder = await mkdtemp(path.join(tmpdir(), 'aptos-backup-check-'));
      try {
        const facts = await askNode(address, { network, trustWaypoints, storage }, folder, signal);
        first ??= facts;
        if (facts.genesis !== first.genesis) {
          throw new Error(`another chain than ${first.address}: its genesis is ${facts.genesis}`);
        }
        return describeNode(facts);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  }));
}

function describeNode({ epoch, version, network, genesis, isTrusted }: NodeFacts): string {
  const chain = network ?? `genesis ${genesis}`;
  const trust = isTrusted ? '' : ', which no waypoint that you trust confirms';
  return `at version ${version}, epoch ${epoch}; ${chain}${trust}`;
}

function tryStorage(what: string, storage: StorageConfig, signal: AbortSignal): Try {
  return {
    ...{ what, name: storageName(storage) },
    async try() {
      const checks = await checksOf(storage, signal);
      if (isFit(checks)) return `fit for backups; ${checks[0]!.means}`;
      const [first, ...others] = checks.filter(({ can, needed }) => can === 'no' && needed);
      const more = others.length === 0 ? '' : `; and ${others.length} more`;
      throw new Error(`cannot ${first!.what}: ${first!.means}${more}`);
    },
  };
}

/** A flag may have named the one or the other. */
function tryCopy(
  what: string,
  flags: CoordinatorFlags,
  to: StorageConfig,
  signal: AbortSignal,
): Try {
  const one = tryStorage(what, to, signal);
  if (!namesStorage(flags)) return one;
  const from = storageOf(flags);
  if (isSamePlace(from, to)) return failed(what, one.name, new Error('it is the storage itself'));
  if (!isNested(from, to)) return one;
  return failed(what, one.name, new Error('it is inside the storage, or around it'));
}

/** What a schedule names beside the storage. Programs and folders of drills are those of the hosts of workers. */
function triesOfSchedule(
  { own }: DeclaredSchedule,
  flags: CoordinatorFlags,
  signal: AbortSignal,
): Try[] {
  const { to, stock_binary: binary, scratch } = own;
  return [
    ...(to ? [tryCopy('copies to', flags, to, signal)] : []),
    ...(binary === undefined
      ? []
      : [{ what: 'drill', name: binary, try: () => tryBinary(binary) }]),
    ...(scratch === undefined ? [] : [tryFolder('drill', scratch)]),
  ];
}

async function tryBinary(binary: string): Promise<string> {
  if (await isProgram(binary)) return 'is a program of this host; workers of others need it, too';
  throw new Error('is no program that can be run on this host; workers need it where they run');
}

/** The server that the environment names. Without one, up brings its own. */
function triesOfTemporal(flags: CoordinatorFlags, signal: AbortSignal): Try[] {
  const what = 'Temporal';
  let target: ReturnType<typeof configuredServer>;
  try {
    target = configuredServer(process.env);
  } catch (error) {
    return [failed(what, 'the environment', error)];
  }
  if (!target) return [];
  const { address, namespace } = target;
  const tryServer = async () => {
    const session = await openSession(flags, signal);
    const { connection } = session;
    try {
      await connection.workflowService
        .describeNamespace({ namespace })
        .catch((error: Error & { details?: string }) => {
          throw new Error(`namespace ${namespace}: ${error.details ?? error.message}`);
        });
      const [control, chunks] = [
        await pollersOf(connection, namespace, CONTROL_QUEUE),
        await pollersOf(connection, namespace, CHUNK_QUEUE),
      ];
      if (control.length > 0 && chunks.length > 0) {
        return `namespace ${namespace}, ${control.length} and ${chunks.length} workers poll`;
      }
      throw new Error('no worker polls its task queues; start one with: aptos-backup worker');
    } finally {
      await session.close();
    }
  };
  return [{ what, name: address, try: tryServer }];
}

function triesOfPage(flags: CoordinatorFlags): Try[] {
  const { healthAddress: address, pageTokenFile: file } = flags;
  return [
    ...(address === undefined
      ? []
      : [{ what: 'page', name: address, try: () => tryAddress(address) }]),
    ...(file === undefined ? [] : [{ what: 'page token', name: file, try: () => tryToken(flags) }]),
  ];
}

/** Nothing is sent: that is for `notify test`. */
function triesOfNotifications(flags: NotifyFlags): Try[] {
  const what = 'notify';
  let settings: NotifySettings | undefined;
  try {
    settings = notifySettings(flags, process.env);
  } catch (error) {
    return [failed(what, 'notifications', error)];
  }
  const { webhook, command } = settings ?? {};
  return [
    ...(webhook ? [{ what, name: webhook.to, try: () => Promise.resolve(HOW_TO_TRY) }] : []),
    ...(command ? [{ what, name: command.program, try: () => tryProgram(command.program) }] : []),
  ];
}

/** A name without a folder is looked for in PATH. */
async function tryProgram(program: string): Promise<string> {
  const isThere = program.includes('/') ? isProgram(program) : findOnPath(program);
  if (await isThere) return `is a program; ${HOW_TO_TRY}`;
  throw new Error('is no program that can be run; name one with its whole path');
}

function tryToken(flags: CoordinatorFlags): Promise<string> {
  return new Promise((resolve) => {
    pageToken(flags, {});
    resolve('it is a token');
  });
}

/** A running aptos-backup may have the address already. */
async function tryAddress(address: string): Promise<string> {
  try {
    (await HealthServer.listen(address)).close();
    return 'free';
  } catch (error) {
    if (!/EADDRINUSE/.test((error as Error).message)) throw error;
    const { host, port } = readListenAddress(address)!;
    const at = ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host;
    const url = `http://${at.includes(':') ? `[${at}]` : at}:${port}/livez`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) })
      .then((response) => response.text())
      .catch(() => '');
    if (answer.trim() === 'alive') return 'a running aptos-backup has it';
    throw new Error('another program has it; name another port, or end that program');
  }
}
