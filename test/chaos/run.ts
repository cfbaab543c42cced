import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultInput } from '../../src/devnode/faults.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';
import { type Check, caughtUp, checkAll } from './checks.js';
import type { ActiveFault } from './node.js';
import { type ChaosEvent, type StorageKind, describeStrike, namesOf } from './plan.js';
import type { ChaosReport } from './report.js';
import { strike } from './strikes.js';
import { openPlace } from './open-place.js';
import type { System, SystemOptions } from './system.js';
import { Watcher } from './watch.js';
import { World } from './world.js';

/** Transactions per second. A file takes several requests to a bucket, so a small machine stores fewer there. */
const GROWTH: Record<StorageKind, number> = { folder: 30, s3: 12 };

/** Rare faults hit late, because a node that fails is asked seldom. */
const HIT_MS = 300_000;

export interface ChaosRun {
  seed: number;
  /** About how long the run takes. Sets the size of the disk. */
  seconds: number;
  /** Where the backups are. @default 'folder' */
  storage?: StorageKind;
  /** Transactions per second. @default by the storage */
  growth?: number;
  build: (options: SystemOptions) => Promise<System>;
  /** The plan, without what this machine does not allow. */
  plan: (impossible: string[]) => ChaosEvent[];
  /** Faults that the node has from start to end. */
  throughout?: readonly FaultInput[];
  say: (line: string) => void;
  /** Ends the run early. */
  signal?: AbortSignal;
}

/**
 * Runs the real system under a plan of faults and checks what must hold. Removes its folder when all is
 * well.
 * @throws Error that says what is wrong, how to repeat the run, and where its files are
 */
export async function runChaos(run: ChaosRun): Promise<ChaosReport> {
  const { seed, say } = run;
  const folder = temporaryFolder('chaos');
  const megabytes = 64 + Math.round(run.seconds / 4);
  const { storage = 'folder', growth = GROWTH[storage] } = run;
  const place = openPlace(storage, megabytes, seed);
  const world = await World.start({
    ...{ folder, seed, growth, build: run.build, openPlace: place },
  });
  const log = (line: string) => say(`${new Date().toISOString().slice(11, 19)} ${line}`);
  let keep = true;
  try {
    const { impossible } = world.place;
    const plan = run.plan(impossible);
    log(`seed ${seed}, ${plan.length} events, everything is in ${folder}`);
    const throughout: ActiveFault[] = [];
    for (const fault of run.throughout ?? []) throughout.push(await world.node.begin(fault));
    const watcher = new Watcher(world);
    const [events] = await Promise.race([
      Promise.all([carryOut(plan, world, log), untilAllHit(throughout, run.seconds)]),
      watcher.watching.then(() => Promise.reject(new Error('the watcher left'))),
      aborted(run.signal),
    ]);
    world.stopGrowing();
    log('all faults are over; waiting until everything has caught up');
    const { client, connection } = await world.system.connect();
    try {
      await Promise.race([caughtUp(world, client), watcher.watching, aborted(run.signal)]);
      // While there were faults, a slow machine's looks were mostly cut off. Now none is.
      const mostWhole = () => watcher.looks > watcher.early + watcher.interrupted;
      await Promise.race([until('most looks found it whole', mostWhole), watcher.watching]);
      await watcher.stop();
      const met = await endFaults(throughout, world);
      log('checking');
      const checks = await checkAll(world, client, seed, plan);
      checks.push(checkLooks(watcher));
      await connection.close();
      const left = await world.stop();
      if (left.length > 0) throw new Error(`processes are left over: ${left.join('; ')}`);
      checks.push({ what: 'processes left over', found: 'none' });
      keep = false;
      return { events, throughout: met, checks, impossible };
    } finally {
      await connection.close();
    }
  } catch (error) {
    throw new Error(`seed ${seed}, in ${folder}: ${(error as Error).message}`, { cause: error });
  } finally {
    await world.destroy(keep);
    if (!keep) rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws Error unless most looks found the storage whole and proven */
function checkLooks({ looks, early, interrupted }: Watcher): Check {
  const others = [
    ...(early > 0 ? [`${early} times before its proof was stored`] : []),
    ...(interrupted > 0 ? [`${interrupted} times interrupted by a fault of the storage`] : []),
  ];
  const found = [`${looks} times`, ...others].join(', ');
  if (looks <= early + interrupted) throw new Error(`whole while it ran: only ${found}`);
  return { what: 'whole while it ran', found };
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(new Error('interrupted')));
  });
}

/** Lets faults go on for some seconds, and until each has hit a request. */
async function untilAllHit(faults: readonly ActiveFault[], seconds: number): Promise<void> {
  if (faults.length === 0) return;
  await sleep(seconds * 1000);
  const hits = () => faults.every(({ before, now }) => before + now > 0);
  await until('each fault has hit a request', hits, HIT_MS);
}

/** @throws Error when one of them hit no request, because the run then shows nothing about it */
async function endFaults(
  faults: readonly ActiveFault[],
  world: World,
): Promise<ChaosReport['throughout']> {
  const met: ChaosReport['throughout'] = [];
  for (const fault of faults) {
    const times = await world.node.end(fault);
    if (times === 0)
      throw new Error(`the fault ${fault.input.kind} hit no request in the whole run`);
    met.push({ fault: fault.input, met: times });
  }
  return met;
}

/** Carries out every event at its time. Events of one thing happen one after another. */
async function carryOut(
  plan: readonly ChaosEvent[],
  world: World,
  log: (line: string) => void,
): Promise<ChaosReport['events']> {
  const started = Date.now();
  const busy = new Map<string, Promise<unknown>>();
  const all = plan.map(async (event) => {
    await sleep(event.at - (Date.now() - started));
    const before = busy.get(laneOf(event));
    const happening = (async () => {
      await before;
      const evidence = await strike(event, world).catch((error: unknown) => {
        throw new Error(
          `event ${event.number}, ${describeStrike(event)}: ${(error as Error).message}`,
        );
      });
      log(`${String(event.number).padStart(4)}. ${describeStrike(event)}: ${evidence.text}`);
      return { event, evidence };
    })();
    busy.set(
      laneOf(event),
      happening.catch(() => undefined),
    );
    return happening;
  });
  return Promise.all(all);
}

function laneOf(event: ChaosEvent): string {
  if ('target' in event) return event.target;
  if (['damage', 'storage', 'upload'].includes(event.kind)) return 'storage';
  return [...namesOf(event)].at(-1)!;
}
