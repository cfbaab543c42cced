import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../src/devnode/chain/random.js';
import { until } from '../support/until.js';
import type { Evidence } from './place.js';
import type { ChaosEvent, Target } from './plan.js';
import { isStopped, killHard, runs, signal } from './processes.js';
import { damageUnit, unitInTheMaking } from './uncommitted.js';
import type { World } from './world.js';

/** A strike waits for its process, because the supervisor may pause before the next start. */
const THERE_MS = 150_000;
/** A fault stays on until it hits something. During many kills there are few requests and writes. */
const FIRES_MS = 300_000;
const UNIT_MS = 5 * 60_000;

/** Carries out a strike. Throws when it had no effect. */
export async function strike(event: ChaosEvent, world: World): Promise<Evidence> {
  switch (event.kind) {
    case 'kill':
      return { text: await kill(world, event.target) };
    case 'stop':
      return { text: await stop(world, event.target, event.seconds) };
    case 'outage':
      return event.target === 'temporal server'
        ? serverOutage(world, event.seconds)
        : programOutage(world, event.target, event.seconds);
    case 'node': {
      const fault = await world.node.begin(event.fault);
      await sleep(event.seconds * 1000);
      const fired = await world.node.end(fault);
      if (fired > 0) return times(fired);
      // There were few requests, and none was hit. Now hit the next one for certain.
      const sure = await world.node.begin({ ...event.fault, probability: 1, times: 1 });
      await untilFired(async () => {
        await world.node.look();
        return sure.before + sure.now;
      });
      return times(await world.node.end(sure));
    }
    case 'link': {
      const before = world.link.fired[event.mode];
      const end = world.link.begin(event.mode);
      try {
        await sleep(event.seconds * 1000);
        await untilFired(() => world.link.fired[event.mode] - before);
      } finally {
        end();
      }
      return times(world.link.fired[event.mode] - before);
    }
    case 'storage':
      await until('the storage exists', () => world.place.there());
      return world.place.strike(event.mode, event.seconds);
    case 'upload':
      await until('the storage exists', () => world.place.there());
      return world.place.strikeUploads(event.mode, event.seconds);
    case 'damage':
      return { text: await damage(event, world) };
  }
}

const times = (met: number): Evidence => ({ text: `${met} times`, met });

/** The process to strike. Waits until it runs. The apart worker runs only after the death of a chunk worker. */
async function victim(world: World, target: Target): Promise<number> {
  if (target === 'apart worker' && world.system.pid(target) === undefined) {
    await kill(world, 'chunk worker');
  }
  let pid: number | undefined;
  const find = () => {
    pid = target === 'node' ? world.node.program.pid : world.system.pid(target);
    return pid !== undefined && runs(pid);
  };
  await until(`the ${target} runs`, find, THERE_MS);
  return pid!;
}

async function kill(world: World, target: Target): Promise<string> {
  if (target === 'node') await world.node.look();
  for (;;) {
    const pid = await victim(world, target);
    if (await killHard(pid)) return `process ${pid} is gone`;
  }
}

async function stop(world: World, target: Target, seconds: number): Promise<string> {
  const pid = await victim(world, target);
  signal(pid, 'SIGSTOP');
  await until('it stands still', () => isStopped(pid) || !runs(pid));
  if (!isStopped(pid)) return stop(world, target, seconds); // something else has ended it first
  await sleep(seconds * 1000);
  const went = signal(pid, 'SIGCONT') && runs(pid) ? 'went on' : 'was replaced meanwhile';
  return `process ${pid} stood still, ${went}`;
}

async function programOutage(world: World, target: Target, seconds: number): Promise<Evidence> {
  const program = target === 'node' ? world.node.program : world.system.programs[target]!;
  const pid = await victim(world, target);
  if (target === 'node') await world.node.look();
  const letStart = program.hold();
  const before = world.link.refused;
  try {
    await killHard(pid);
    await sleep(seconds * 1000);
  } finally {
    letStart();
  }
  const text = `process ${pid} is gone, ${seconds} s without`;
  if (target !== 'node') return { text };
  const met = world.link.refused - before;
  return { text: `${text}, ${met} requests failed`, met };
}

/** Kills the server and takes its port before the next start, so that connections get no answer. */
async function serverOutage(world: World, seconds: number): Promise<Evidence> {
  for (;;) {
    const pid = await victim(world, 'temporal server');
    const { port } = world.system;
    await killHard(pid);
    const silent = createServer((socket) => socket.on('error', () => undefined));
    const taken = await new Promise<boolean>((resolve) => {
      silent.once('error', () => resolve(false));
      silent.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!taken) continue; // the server has already been started again
    const connected = new Set<{ destroy(): void }>();
    silent.on('connection', (socket) => connected.add(socket));
    await sleep(seconds * 1000);
    silent.close();
    for (const socket of connected) socket.destroy();
    const met = connected.size;
    return {
      text: `process ${pid} is gone, ${seconds} s of silence, ${met} connections got no answer`,
      met,
    };
  }
}

async function damage(
  event: Extract<ChaosEvent, { kind: 'damage' }>,
  world: World,
): Promise<string> {
  const { files } = world.place;
  const random = new Random(event.number * 7919 + event.at);
  // A slow line makes units take longer.
  const end = world.link.begin('throttle');
  try {
    let file: string | undefined;
    await until(
      'a backup is running',
      async () => {
        const unit = await unitInTheMaking(files);
        file = unit && (await damageUnit(files, unit, event.mode, random));
        return file !== undefined;
      },
      UNIT_MS,
    );
    return file!;
  } finally {
    end();
  }
}

async function untilFired(fired: () => number | Promise<number>): Promise<void> {
  await until('it fired', async () => (await fired()) > 0, FIRES_MS);
}
