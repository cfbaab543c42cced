import type { Client } from '@temporalio/client';
import { abortable } from '../client/calls.js';
import { Interrupted, UsageError } from '../client/command-failure.js';
import { cancelUnits, hasEnded } from '../client/end-units.js';
import {
  type Followed,
  type Stopped,
  followedBy,
  listFollowed,
  ofStorage,
  sayWhich,
  untilEnded,
} from '../client/followed.js';
import { coordinatorId } from '../client/live-status.js';
import { storageName } from '../contract/storage-name.js';
import type { TemporalSession } from '../temporal-server/open-temporal.js';
import { firstUp, upAgain } from './hint.js';
import { workersLive } from './living-workers.js';
import { answerOf, openSession, withSession } from './open-session.js';
import { type CommonFlags, chunkWorkerCount } from './options.js';
import { namesStorage, storageOf } from './storage-options.js';
import type { WorkerGroup } from '../supervisor/worker-group.js';
import { startWorkers } from './own-workers.js';
import { say } from './say.js';
import { tellStuck } from './tell-trouble.js';
import { print } from './print.js';

/** `list`: shows what is followed on this server. */
export async function runList(flags: CommonFlags, signal: AbortSignal): Promise<void> {
  await withSession(flags, signal, async (session) => {
    const found = await listFollowed(session.client, await workersLive(session));
    if (flags.json) print(JSON.stringify(found));
    else print(describeList(found, session.embedded, flags).join('\n'));
  });
}

/**
 * `stop`: ends the coordinator of a storage, the only one, or all. What they have stored stays. If no worker of the
 * embedded server runs, or if those that run may leave before all have ended, this command brings its own.
 */
export async function runStop(
  flags: CommonFlags & { all?: boolean },
  signal: AbortSignal,
): Promise<void> {
  if (flags.all && namesStorage(flags)) {
    throw new UsageError('give either --all or a storage, not both');
  }
  const session = await openSession(flags, signal);
  const { client, embedded } = session;
  let workers: WorkerGroup | undefined;
  try {
    const { answer, found } = await answerOf(session, signal, async () => {
      const live = await workersLive(session);
      return { answer: live, found: await wanted(client, flags, live) };
    });
    // An `up` takes its workers away when its own coordinator has ended. The others need some, too.
    if (embedded && found.length > 0 && (!answer || found.length > 1)) {
      const options = { chunkWorkers: chunkWorkerCount(), say: () => {} };
      workers = startWorkers(flags, session.workerEnv, options);
    }
    const ended: Stopped[] = [];
    for (const one of found) {
      ended.push(await stopOne(session, one, answer || embedded, signal));
      if (!flags.json) print(describeStopped(ended.at(-1)!).join('\n'));
    }
    if (flags.json) print(JSON.stringify(ended));
    else if (ended.length === 0) print('Nothing is followed here.');
  } finally {
    await workers?.stop();
    await session.close();
  }
}

async function stopOne(
  session: TemporalSession,
  followed: Followed,
  wait: boolean,
  signal: AbortSignal,
): Promise<Stopped> {
  const { client } = session;
  const { workflow_id: id } = followed;
  const stopTelling = tellStuck(client, id, (text) => say(text, 'error'));
  const cancelled = new Map<string, string>();
  const cancelItsUnits = async () => {
    const found = await abortable(client, signal, () => cancelUnits(client, id));
    for (const [one, unit] of found.cancelled) cancelled.set(one, unit);
    return found.left;
  };
  try {
    await answerOf(session, signal, () => client.workflow.getHandle(id).cancel());
    // Now, because an `up` takes its workers away when its coordinator has ended.
    const left = await cancelItsUnits();
    if (wait) {
      await untilEnded(client, id, signal);
      await cancelItsUnits(); // what began in the same moment
    }
    const asked: string[] = [];
    for (const [one, unit] of cancelled) {
      if (!wait || !(await hasEnded(client, one, signal))) asked.push(unit);
    }
    const units = [...cancelled.values()];
    const outcome = wait ? 'stopped' : 'asked';
    return { ...followed, units, outcome, asked, left: [...left.values()] };
  } catch (error) {
    // Before the answer to the cancellation, nobody knows whether it came.
    if (!signal.aborted || error instanceof Interrupted) throw error;
    throw new Interrupted(
      `interrupted; the coordinator of ${followed.storage} was asked to end and does so with the next worker`,
    );
  } finally {
    stopTelling();
  }
}

/** The coordinators that the flags mean. @throws UsageError when several run and none is named */
async function wanted(
  client: Client,
  flags: CommonFlags & { all?: boolean },
  answer: boolean,
): Promise<Followed[]> {
  const all = await listFollowed(client, answer);
  if (flags.all) return all;
  if (!namesStorage(flags)) {
    if (all.length <= 1) return all;
    throw sayWhich(all, ', or --all');
  }
  const storage = storageOf(flags);
  const id = coordinatorId(storage);
  // The server lists a new coordinator only after a moment.
  const known = all.find((one) => one.workflow_id === id) ?? (await followedBy(client, id, answer));
  // One that somebody started with the temporal CLI has an id of its own.
  const found = known ?? ofStorage(all, storage);
  if (found) return [found];
  const others = all.map((one) => one.storage).join(', ') || 'nothing';
  throw new Error(`nothing follows a node into ${storageName(storage)} here; followed: ${others}`);
}

function describeList(found: readonly Followed[], embedded: boolean, flags: CommonFlags): string[] {
  if (found.length === 0) return [`Nothing is followed here. Start with: ${firstUp(flags)}`];
  const rows = found.map(({ storage, nodes, state, why, units }) => {
    const start = embedded ? upAgain(storage, flags) : 'aptos-backup worker';
    const more = state === 'rests' ? `no worker runs; start one with: ${start}` : why;
    const doing = units.length === 0 ? '' : `, backs up ${units.join(', ')}`;
    return [storage, nodes.join(', '), `${state}${more ? ` (${more})` : ''}${doing}`] as const;
  });
  const widths = [0, 1].map((i) => Math.max(...rows.map((row) => row[i]!.length), 7));
  return [['STORAGE', 'NODE', 'STATE'] as const, ...rows].map(
    ([storage, node, state]) =>
      `${storage.padEnd(widths[0]!)}  ${node.padEnd(widths[1]!)}  ${state}`,
  );
}

function describeStopped({ storage, nodes, units, outcome, asked, left }: Stopped): string[] {
  const follow = `which followed ${nodes.join(', ')}`;
  const inHand = [
    ...units.map((unit) => {
      const what = asked.includes(unit) ? 'was asked to end' : 'was ended';
      return `  It was backing up ${unit}; that ${what}, too.`;
    }),
    ...left.map((unit) => `  It waited for ${unit}, which somebody else began; that goes on.`),
  ];
  if (outcome === 'asked') {
    return [
      `The coordinator of ${storage}, ${follow}, was asked to end. No worker runs; it ends with the next one.`,
      ...inHand,
    ];
  }
  return [
    `Stopped the coordinator of ${storage}, ${follow}.`,
    ...inHand,
    '  What is stored stays. To go on, start the same up again.',
    '  If a service starts it again by itself (systemd, Compose, Kubernetes), stop the service first: it begins anew what ends here.',
  ];
}
