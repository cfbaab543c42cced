import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '../support/temporal.js';
import { type Check, caughtUp, checkAll } from './checks.js';
import { type ChaosEvent, describeStrike, namesOf } from './plan.js';
import type { ChaosReport } from './report.js';
import { strike } from './strikes.js';
import type { System, SystemOptions } from './system.js';
import { Watcher } from './watch.js';
import { World } from './world.js';

const GROWTH = 30;

export interface ChaosRun {
  seed: number;
  /** How long it takes, about; for the size of the disk. */
  seconds: number;
  build: (options: SystemOptions) => Promise<System>;
  /** The plan, as far as it is possible on this machine. */
  plan: (impossible: string[]) => ChaosEvent[];
  say: (line: string) => void;
  /** Ends it early, and everything with it. */
  signal?: AbortSignal;
}

/**
 * Runs the real thing under a plan of faults and checks what must hold. Its folder goes away when all
 * is well. @throws Error that says what is wrong, how to do it again, and where everything still is
 */
export async function runChaos(run: ChaosRun): Promise<ChaosReport> {
  const { seed, say } = run;
  const folder = temporaryFolder('chaos');
  const megabytes = 64 + Math.round(run.seconds / 4);
  const world = await World.start({ folder, seed, megabytes, growth: GROWTH, build: run.build });
  const log = (line: string) => say(`${new Date().toISOString().slice(11, 19)} ${line}`);
  let keep = true;
  try {
    const { impossible } = world.volume;
    const plan = run.plan(impossible);
    log(`seed ${seed}, ${plan.length} events, everything is in ${folder}`);
    const watcher = new Watcher(world);
    const events = await Promise.race([
      carryOut(plan, world, log),
      watcher.watching.then(() => Promise.reject(new Error('the watcher left'))),
      aborted(run.signal),
    ]);
    world.stopGrowing();
    log('all faults are over; waiting until everything has caught up');
    const { client, connection } = await world.system.connect();
    try {
      await Promise.race([caughtUp(world, client), watcher.watching, aborted(run.signal)]);
      await watcher.stop();
      log('checking');
      const checks = await checkAll(world, client, seed, plan);
      checks.push(checkLooks(watcher));
      await connection.close();
      const left = await world.stop();
      if (left.length > 0) throw new Error(`processes are left over: ${left.join('; ')}`);
      checks.push({ what: 'processes left over', found: 'none' });
      keep = false;
      return { events, checks, impossible };
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

/** @throws Error when it was not proven, or could not be looked at, as often as it was proven */
function checkLooks({ looks, early, interrupted }: Watcher): Check {
  const others = [
    ...(early > 0 ? [`${early} times before its proof`] : []),
    ...(interrupted > 0 ? [`${interrupted} times not seen to the end`] : []),
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

/** Every event at its time; those of one thing one after another. */
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
  if (event.kind === 'damage' || event.kind === 'storage') return 'storage';
  return [...namesOf(event)].at(-1)!;
}
