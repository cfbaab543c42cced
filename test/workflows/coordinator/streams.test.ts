/**
 * The coordinator's streams: what they back up, that none delays another, and the messages that it
 * answers.
 */
import { ApplicationFailure, type WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureCoordinator } from '../../../src/client/live-status.js';
import type { CoordinatorInput } from '../../../src/contract/coordinator-input.js';
import { openMemory } from '../../../src/workflows/coordinator/memory/open-memory.js';
import {
  PretendedWorld,
  coordinatorInput,
  coordinatorStatus,
  startOptions,
} from '../../support/coordinator.js';
import { startTemporal, withActivities } from '../../support/temporal.js';
import { until } from '../../support/until.js';

let session: Awaited<ReturnType<typeof startTemporal>>;
beforeAll(async () => {
  session = await startTemporal();
});
afterAll(() => session.close());

async function follow(
  world: PretendedWorld,
  work: (handle: WorkflowHandle, input: CoordinatorInput) => Promise<void>,
  extra: Partial<CoordinatorInput> = {},
): Promise<void> {
  const input = coordinatorInput(extra);
  await withActivities(session, world.activities, async () => {
    const handle = await session.client.workflow.start('backupCoordinator', startOptions(input));
    try {
      await work(handle, input);
    } finally {
      await handle.terminate().catch(() => undefined); // some tests end it themselves
    }
  });
}

/** Whether all full batches of 250 versions and 3 epochs were started. */
const caughtUp = (world: PretendedWorld) =>
  world.spans('transaction').includes('101-200') && world.spans('state_snapshot').includes('2');

it('a coordinator catches up with the ranges of the stock tool, and then follows the node', async () => {
  const world = new PretendedWorld({ ended: 3, version: 250 });
  await follow(world, async (handle) => {
    await until('it has caught up', () => caughtUp(world));
    expect(world.spans('epoch_ending')).toEqual(['0-2']);
    expect(world.spans('state_snapshot')).toEqual(['0', '2']);
    expect(world.spans('transaction')).toEqual(['0-0', '1-100', '101-200'].slice(0, 3));
    world.node = { ended: 4, version: 330 };
    await until(
      'it has followed',
      () =>
        world.spans('transaction').includes('201-300') &&
        world.spans('state_snapshot').includes('3'),
    );
    expect(world.spans('epoch_ending')).toEqual(['0-2', '3-3']);
    expect(world.spans('state_snapshot')).toEqual(['0', '2', '3']);
    expect(world.spans('transaction').at(-1)).toBe('201-300');
    await until('nothing is under way', async () => {
      const { phase } = await coordinatorStatus(handle);
      return phase === 'following';
    });
    const { streams } = await coordinatorStatus(handle);
    expect(streams.transaction).toMatchObject({ state: 'waiting', newest: '300', lag: '30' });
    expect(streams.epoch_ending).toMatchObject({ newest: '3', lag: '0', committed: 2 });
  });
});

it('a coordinator closes a batch that is not full when its time is over', async () => {
  const world = new PretendedWorld({ ended: 1, version: 20 });
  const quick = { transaction_batch_seconds: 1 };
  await follow(
    world,
    async () => {
      await until('the rest is stored', () => world.spans('transaction').includes('1-20'));
      world.node = { ended: 1, version: 25 };
      await until('the next rest is stored', () => world.spans('transaction').includes('21-25'));
    },
    quick,
  );
});

describe.each(['epoch_ending', 'state_snapshot', 'transaction'] as const)(
  'when every unit of %s',
  (broken) => {
    it('fails, the others go on and the failure is shown until it is tried again', async () => {
      const world = new PretendedWorld({ ended: 3, version: 250 });
      let failing = true;
      world.unit = ({ type }) => {
        if (type !== broken || !failing) return Promise.resolve();
        throw ApplicationFailure.nonRetryable('the node lied', 'NODE_LIED');
      };
      const others = (['epoch_ending', 'state_snapshot', 'transaction'] as const).filter(
        (type) => type !== broken,
      );
      await follow(world, async (handle) => {
        world.node = { ended: 5, version: 450 };
        const newest = { epoch_ending: '4', state_snapshot: '4', transaction: '400' };
        await until('the others have caught up', async () => {
          const { streams } = await coordinatorStatus(handle);
          return others.every((type) => Number(streams[type].newest ?? -1) >= Number(newest[type]));
        });
        const { streams, alarms, phase } = await coordinatorStatus(handle);
        expect(phase).toBe('trouble');
        expect(streams[broken].failed[0]).toMatchObject({ reason: 'the node lied', attempts: 1 });
        expect(alarms.map(({ code }) => code)).toContain(`FAILED_${broken}`);
        failing = false;
        const retry = () => handle.executeUpdate<number, [unknown]>('retry', { args: [undefined] });
        expect(await retry()).toBeGreaterThan(0);
        await until('it has caught up, too', async () => {
          await retry(); // what was about to fail when it was asked first
          const after = await coordinatorStatus(handle);
          // Or more: with nothing stored yet, the open batch is due at once.
          const reached = Number(after.streams[broken].newest ?? 0) >= Number(newest[broken]);
          return after.alarms.length === 0 && reached;
        });
      });
    });
  },
);

it.each(['state_snapshot', 'transaction'] as const)(
  'when a unit of %s takes for ever, the others go on',
  async (broken) => {
    const world = new PretendedWorld({ ended: 3, version: 250 });
    world.unit = ({ type }) => (type === broken ? new Promise(() => undefined) : Promise.resolve());
    await follow(world, async (handle) => {
      await until('the others have caught up', async () => {
        const { streams } = await coordinatorStatus(handle);
        return broken === 'transaction'
          ? streams.state_snapshot.newest === '2'
          : streams.transaction.newest === '200';
      });
      expect(world.spans(broken)).toHaveLength(1);
    });
  },
);

it('when epoch endings take for ever, the streams that need them wait for ten minutes and no longer', async () => {
  const world = new PretendedWorld({ ended: 3, version: 250 });
  world.unit = ({ type }) =>
    type === 'epoch_ending' ? new Promise(() => undefined) : Promise.resolve();
  const { watch } = world;
  let wakes: number | undefined;
  world.watch = (order) => {
    if (world.calls.length > 0) wakes = order.until;
    return watch(order);
  };
  await follow(world, async (handle) => {
    await until('it waits for them until some time', () => wakes !== undefined);
    const { streams } = await coordinatorStatus(handle);
    for (const type of ['state_snapshot', 'transaction'] as const) {
      expect(streams[type].waiting_for).toMatch(/^epoch endings 0 to 2/);
    }
    const { since } = streams.epoch_ending.current!;
    expect(wakes).toBe(Date.parse(since) + 10 * 60_000);
  });
});

it('a coordinator does not try a failed unit again and again in a loop', async () => {
  const world = new PretendedWorld({ ended: 1, version: 5 });
  world.unit = () => {
    throw ApplicationFailure.nonRetryable('no', 'X');
  };
  await follow(world, async (handle) => {
    await until('everything has failed', async () => {
      const { streams } = await coordinatorStatus(handle);
      return Object.values(streams).every(({ state }) => state === 'failing');
    });
    const calls = world.calls.length;
    for (let i = 0; i < 20; i += 1) await coordinatorStatus(handle);
    expect(world.calls.length).toBe(calls);
    const { streams } = await coordinatorStatus(handle);
    const retryAt = Date.parse(streams.epoch_ending.failed[0]!.retry_at);
    expect(retryAt).toBeGreaterThan(Date.now() + 30_000);
  });
});

describe('messages to a coordinator', () => {
  it('pause and resume one stream, or all', async () => {
    const world = new PretendedWorld({ ended: 1, version: 100 });
    await follow(world, async (handle) => {
      await until('it has caught up', () => world.spans('transaction').includes('1-100'));
      expect(await handle.executeUpdate('pause', { args: ['transaction'] })).toEqual([
        'transaction',
      ]);
      world.node = { ended: 2, version: 250 };
      await until('epochs go on', () => world.spans('epoch_ending').includes('1-1'));
      expect((await coordinatorStatus(handle)).streams.transaction.state).toBe('paused');
      expect(world.spans('transaction')).toEqual(['0-0', '1-100']);
      await handle.executeUpdate('pause');
      expect((await coordinatorStatus(handle)).phase).toBe('paused');
      await handle.executeUpdate('resume');
      await until('transactions go on', () => world.spans('transaction').includes('101-200'));
      await expect(handle.executeUpdate('pause', { args: ['snapshots'] })).rejects.toMatchObject({
        cause: { message: expect.stringMatching(/one of epoch_ending/) as string },
      });
    });
  });

  it('back up now the open batch, a range or a snapshot, and refuse overlaps', async () => {
    const world = new PretendedWorld({ ended: 3, version: 250 });
    await follow(world, async (handle) => {
      await until('it has caught up', () => caughtUp(world));
      await handle.executeUpdate('backUpNow', { args: [{ type: 'transaction' }] });
      await until('the batch is closed', () => world.spans('transaction').includes('201-250'));
      const own = { type: 'state_snapshot', epoch: 1 };
      await handle.executeUpdate('backUpNow', { args: [own] });
      await until('it is taken', () => world.spans('state_snapshot').includes('1'));
      const overlap = { type: 'transaction', start_version: 100, num_transactions: 5 };
      await expect(handle.executeUpdate('backUpNow', { args: [overlap] })).rejects.toMatchObject({
        cause: { message: expect.stringMatching(/overlapping/) as string },
      });
      await expect(
        handle.executeUpdate('backUpNow', { args: [{ type: 'state_snapshot', epochs: 1 }] }),
      ).rejects.toMatchObject({ cause: { message: expect.stringMatching(/epoch/) as string } });
    });
  });

  it('ask for so many backups that what goes from run to run would have no bound', async () => {
    const world = new PretendedWorld({ ended: 3, version: 250 });
    await follow(world, async (handle) => {
      await handle.executeUpdate('pause', { args: ['transaction'] });
      const ask = (start_version: number) => {
        const range = { type: 'transaction', start_version, num_transactions: 1 };
        return handle.executeUpdate('backUpNow', { args: [range] });
      };
      await until('it has asked the node', () => ask(0).then(Boolean, () => false));
      for (let version = 1; version < 100; version += 1) await ask(version);
      await expect(ask(100)).rejects.toMatchObject({
        cause: { message: expect.stringMatching(/100 backups are asked for already/) as string },
      });
    });
  });

  it('back up now a snapshot that the interval leaves out, and say what that waits for', async () => {
    const world = new PretendedWorld({ ended: 3, version: 250 });
    const input = { state_snapshot_interval_epochs: 10 };
    const now: { args: [object] } = { args: [{ type: 'state_snapshot' }] };
    await follow(
      world,
      async (handle) => {
        const waits = async () => (await coordinatorStatus(handle)).streams.state_snapshot;
        await until('it waits for the next one', async () => {
          return (await waits()).waiting_for === 'epoch 10 to end';
        });
        const answer = await handle.executeUpdate('backUpNow', now);
        expect(answer).toBe('state snapshot of epoch 2 comes next');
        await until('it is taken', async () => (await waits()).newest === '2');
        expect(world.spans('state_snapshot')).toEqual(['0', '2']);
        expect(await handle.executeUpdate('backUpNow', now)).toBe(
          'state_snapshot: the storage has the newest already, the state snapshot of epoch 2',
        );
        await handle.executeUpdate('pause', { args: ['transaction'] });
        expect(await handle.executeUpdate('backUpNow', { args: [{ type: 'transaction' }] })).toBe(
          'transaction: the coordinator backs up next what the node has now, after aptos-backup resume: the stream is paused',
        );
      },
      input,
    );
  });

  it('change the settings when a coordinator is started again', async () => {
    const world = new PretendedWorld({ ended: 1, version: 50 });
    await follow(world, async (handle, input) => {
      const again = await ensureCoordinator(session.client, { ...input, concurrency: 9 });
      expect(again).toMatchObject({ workflowId: handle.workflowId });
      expect(again.settings).toMatch(/^changed/);
      expect((await coordinatorStatus(handle)).concurrency).toBe(9);
      await until('it has seen the node', async () => {
        return (await coordinatorStatus(handle)).seen !== undefined;
      });
      expect(await coordinatorStatus(handle)).not.toHaveProperty('looked_anew_at');
      await ensureCoordinator(session.client, { ...input, node: 'http://localhost:6187' });
      expect(await coordinatorStatus(handle)).toHaveProperty('looked_anew_at');
      const elsewhere = { ...input, storage: { local_fs_dir: '/elsewhere' } };
      await expect(handle.executeUpdate('configure', { args: [elsewhere] })).rejects.toMatchObject({
        cause: { message: expect.stringMatching(/this coordinator works for/) as string },
      });
    });
  });
});

describe('a storage', () => {
  it('that cannot be looked at stops everything, visibly, until it can', async () => {
    const world = new PretendedWorld({ ended: 1, version: 50 });
    world.surveyError = ApplicationFailure.nonRetryable('two chains: A and B', 'CHAIN_MISMATCH');
    await follow(world, async (handle) => {
      await until('it says why', async () => (await coordinatorStatus(handle)).alarms.length > 0);
      const status = await coordinatorStatus(handle);
      expect(status.phase).toBe('trouble');
      expect(status.alarms).toMatchObject([{ code: 'NODE', text: 'two chains: A and B' }]);
      expect(status.streams.transaction.waiting_for).toBe('the end of the alarm NODE');
      expect(world.calls).toEqual([]);
      world.surveyError = undefined;
      await handle.executeUpdate('retry');
      await until('it goes on', () => world.calls.length > 2);
    });
  });

  it('that held backups and shows none is never started anew', async () => {
    const world = new PretendedWorld({ ended: 3, version: 250 });
    await follow(world, async (handle, input) => {
      await until('it has caught up', async () => {
        const { phase } = await coordinatorStatus(handle);
        return caughtUp(world) && phase === 'following';
      });
      const calls = world.calls.length;
      // The survey still shows an empty storage.
      await ensureCoordinator(session.client, { ...input, concurrency: 5 });
      await until('it says so', async () => (await coordinatorStatus(handle)).alarms.length > 0);
      const [alarm] = (await coordinatorStatus(handle)).alarms;
      expect(alarm!.text).toMatch(/shows none now\. This counts as an outage/);
      expect(world.calls).toHaveLength(calls);
    });
  });

  it('that lists less than before is an outage, until it lists all of it again', async () => {
    const world = new PretendedWorld({ ended: 3, version: 250 });
    const whole = [{ first: '0', last: '250' }];
    const listed = { epochs: [{ first: '0', last: '2' }], versions: whole };
    world.survey = { ...world.survey, ...listed, snapshots: ['2', '1', '0'], listed };
    await follow(world, async (handle, input) => {
      await until('it has looked at the storage', async () => {
        return (await coordinatorStatus(handle)).phase === 'following';
      });
      const calls = world.calls.length;
      const cut = { ...listed, versions: [{ first: '0', last: '100' }] };
      world.survey = { ...world.survey, ...cut, listed: cut };
      await ensureCoordinator(session.client, { ...input, concurrency: 5 });
      await until('it says so', async () => (await coordinatorStatus(handle)).alarms.length > 0);
      const [alarm] = (await coordinatorStatus(handle)).alarms;
      expect(alarm!.text).toMatch(
        /had metadata of transactions 101 to 250 before and does not list/,
      );
      expect(world.calls).toHaveLength(calls);

      world.survey = { ...world.survey, ...listed, listed };
      await handle.executeUpdate('retry');
      await until('it is over', async () => (await coordinatorStatus(handle)).alarms.length === 0);
      expect(world.calls).toHaveLength(calls);
    });
  });
});

it.each([
  ['nothing', undefined, /must be one JSON object/],
  ['a batch of nothing', { ...coordinatorInput(), transaction_batch_size: 0 }, /from 1 to/],
  [
    'an interval of nothing',
    { ...coordinatorInput(), state_snapshot_interval_epochs: 0 },
    /from 1/,
  ],
  ['an unknown field', { ...coordinatorInput(), interval: 3 }, /unknown field "interval"/],
])('a coordinator with a bad input fails at once: %s', async (name, input, message) => {
  await withActivities(
    session,
    new PretendedWorld({ ended: 0, version: 0 }).activities,
    async () => {
      const handle = await session.client.workflow.start('backupCoordinator', {
        workflowId: `bad coordinator input: ${name}`,
        taskQueue: 'aptos-backup',
        args: input === undefined ? [] : [input],
      });
      await expect(handle.result()).rejects.toMatchObject({
        cause: { type: 'INPUT_INVALID', message: expect.stringMatching(message) as string },
      });
    },
  );
});

const remembered = openMemory(coordinatorInput(), undefined, 1);
const { streams } = remembered;
it.each<[string, unknown]>([
  ['a word', 'x'],
  ['nothing in it', { memory: 1 }],
  ['no streams', { ...remembered, streams: {} }],
  ['half a stream', { ...remembered, streams: { ...streams, transaction: { failed: [] } } }],
  [
    'a request for nothing',
    {
      ...remembered,
      streams: { ...streams, transaction: { ...streams.transaction, requested: [{}] } },
    },
  ],
  ['a batch of nothing', { ...remembered, settings: { ...remembered.settings, batchSize: '0' } }],
  [
    'a batch of a million years',
    { ...remembered, settings: { ...remembered.settings, batchSeconds: 1e15 } },
  ],
  ['no time', { ...remembered, startedAt: -1e300 }],
  ['a node without a version', { ...remembered, node: { at: 1, ended: '1' } }],
  ['half a survey', { ...remembered, survey: { storageId: 'x' } }],
])('a coordinator with an invalid memory fails at once: %s', async (name, memory) => {
  const { activities } = new PretendedWorld({ ended: 0, version: 0 });
  await withActivities(session, activities, async () => {
    const handle = await session.client.workflow.start('backupCoordinator', {
      workflowId: `bad memory: ${name}`,
      taskQueue: 'aptos-backup',
      args: [coordinatorInput(), memory],
    });
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'INPUT_INVALID' } });
  });
});
