/** A running backup can be paused, given more or fewer lanes, and told to try failed ranges again. */
import { Context } from '@temporalio/activity';
import { ApplicationFailure, type WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RangeTask } from '../../../src/backup/range/range-thread-messages.js';
import { readProgress } from '../../../src/client/progress.js';
import { startBackup } from '../../../src/client/start-backup.js';
import type { Job } from '../../../src/contract/job.js';
import { APART_QUEUE, CONTROL_QUEUE } from '../../../src/contract/messages.js';
import { RANGES_OF_ONE_HISTORY, type RangeResult, type Unit } from '../../../src/contract/unit.js';
import { startTemporal, withActivities } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import { INPUT, committed, prepared, stored, unitOf } from '../../support/units.js';
import type { BackupStatus } from '../../../src/contract/answers/backup-answers.js';

let session: Awaited<ReturnType<typeof startTemporal>>;
beforeAll(async () => {
  session = await startTemporal();
});
afterAll(() => session.close());

let starts = 0;
/** Runs one backup whose ranges are done by `range`, while the test does something to it. */
async function run(
  ranges: number,
  range: (task: RangeTask) => Promise<RangeResult>,
  work: (handle: WorkflowHandle) => Promise<void>,
  input: { concurrency?: number; when_blocked?: 'fail' } = {},
  commit = (_job: Job, unit: Unit) => Promise.resolve(committed(unit)),
): Promise<void> {
  starts += 1;
  const activities = {
    planUnit: () => Promise.resolve(prepared(unitOf(ranges))),
    backUpRange: range,
    commitUnit: commit,
  };
  await withActivities(session, activities, async () => {
    const own = { start_version: `${starts * 1_000_000}`, num_transactions: ranges * 1000 };
    await work(await startBackup(session.client, 'transaction', { ...INPUT, ...own, ...input }));
  });
}

const status = (handle: WorkflowHandle) => handle.query<BackupStatus>('status');

const segmentOf = ({ workflowId }: WorkflowHandle) =>
  session.client.workflow.getHandle(`${workflowId}/segment/00001`);

/** Ranges that wait until they are released, and the highest number that ever waited at once. */
class Gate {
  waiting: (() => void)[] = [];
  most = 0;
  started = 0;
  range = async (task: RangeTask): Promise<RangeResult> => {
    this.started += 1;
    await new Promise<void>((resolve) => {
      this.waiting.push(resolve);
      this.most = Math.max(this.most, this.waiting.length);
    });
    return stored(task);
  };
  release(count = this.waiting.length): void {
    for (const go of this.waiting.splice(0, count)) go();
  }
  /** Releases all ranges until the backup is done. */
  async letThrough(handle: WorkflowHandle): Promise<void> {
    const letting = setInterval(() => this.release(), 20);
    await handle.result();
    clearInterval(letting);
  }
}

it('a unit with a pruned range fails as pruned, whatever else failed', async () => {
  const range = (task: RangeTask): Promise<RangeResult> => {
    const code = { '0': 'NODE_PRUNED', '2000': 'NODE_STALLED' }[task.range.first];
    if (code === undefined) return Promise.resolve(stored(task));
    return Promise.reject(ApplicationFailure.nonRetryable(`it is ${code}`, code));
  };
  await run(
    3,
    range,
    async (handle) => {
      const message = expect.stringMatching(/2 range\(s\) failed/) as string;
      await expect(handle.result()).rejects.toMatchObject({
        cause: { type: 'NODE_PRUNED', message },
      });
    },
    { when_blocked: 'fail' },
  );
});

/** Where the ranges of a backup run, and how many it has. */
const SIZES: [string, number][] = [
  ['lanes of its own', 24],
  ['segments', RANGES_OF_ONE_HISTORY + 1],
];

describe('concurrency', () => {
  it.each(SIZES)('in %s is capped, and the cap can be raised and lowered', async (_, ranges) => {
    const gate = new Gate();
    await run(
      ranges,
      gate.range,
      async (handle) => {
        await until('two ranges run', () => gate.waiting.length === 2);
        expect(await handle.executeUpdate('setConcurrency', { args: [5] })).toBe(5);
        await until('five ranges run', () => gate.waiting.length === 5);
        await handle.executeUpdate('setConcurrency', { args: [1] });
        gate.release();
        await until('one range runs', () => gate.waiting.length === 1);
        expect((await status(handle)).concurrency).toBe(1);
        await handle.executeUpdate('setConcurrency', { args: [6] });
        await gate.letThrough(handle);
        expect(gate.most).toBeLessThanOrEqual(6);
        expect(gate.started).toBe(ranges);
      },
      { concurrency: 2 },
    );
  });

  it.each([0, 65, 1.5, 'many'])('refuses %s', async (value) => {
    const gate = new Gate();
    await run(1, gate.range, async (handle) => {
      await until('it runs', () => gate.waiting.length === 1);
      await expect(handle.executeUpdate('setConcurrency', { args: [value] })).rejects.toMatchObject(
        { cause: { message: expect.stringMatching(/from 1 to 64/) as string } },
      );
      gate.release();
      await handle.result();
    });
  });
});

it.each(SIZES)('takes no new ranges into %s while it is paused', async (_, ranges) => {
  const gate = new Gate();
  await run(
    ranges,
    gate.range,
    async (handle) => {
      await until('two ranges run', () => gate.waiting.length === 2);
      await handle.executeUpdate('pause');
      gate.release();
      await until('the running ones are done', async () => {
        return (await readProgress(session.client, handle.workflowId)).ranges_done === 2;
      });
      expect(gate.started).toBe(2);
      expect((await status(handle)).paused).toBe(true);
      await handle.executeUpdate('resume');
      await until('it goes on', () => gate.waiting.length === 2);
      await handle.executeUpdate('setConcurrency', { args: [20] });
      await gate.letThrough(handle);
    },
    { concurrency: 2 },
  );
});

describe('controls in a signal', () => {
  const signalled: [string, unknown[]][] = [
    ['nothing', []],
    ['null', [null]],
    ['a word', ['x']],
    ['a list', [[1]]],
    ['an empty object', [{}]],
    ['no lanes', [{ concurrency: 0 }]],
    ['too many lanes', [{ concurrency: 400, paused: false }]],
    ['more lanes than fit into memory', [{ concurrency: 1e9, paused: false }]],
    ['a word for a number', [{ concurrency: 'all', paused: 'no' }]],
  ];
  it.each(signalled)('are ignored if they are unusable: %s', async (_, args) => {
    const gate = new Gate();
    const work = async (handle: WorkflowHandle) => {
      await until('two ranges run', () => gate.waiting.length === 2);
      await handle.signal('controls', ...args);
      expect(await status(handle)).toMatchObject({ concurrency: 2, paused: false });
      await gate.letThrough(handle);
      expect(gate.most).toBe(2);
    };
    await run(12, gate.range, work, { concurrency: 2 });
  });

  it('are ignored by a segment if they are unusable', async () => {
    const gate = new Gate();
    const work = async (handle: WorkflowHandle) => {
      await until('two ranges run', () => gate.waiting.length === 2);
      for (const [, args] of signalled) {
        await handle.signal('controls', ...args);
        await segmentOf(handle).signal('controls', ...args);
      }
      gate.release();
      await until('two more ranges run', () => gate.started === 4);
      expect(await status(handle)).toMatchObject({ concurrency: 2, paused: false });
      expect(gate.most).toBe(2);
      await handle.executeUpdate('setConcurrency', { args: [20] });
      await gate.letThrough(handle);
    };
    await run(RANGES_OF_ONE_HISTORY + 1, gate.range, work, { concurrency: 2 });
  });

  it.each(SIZES)(
    'may set a pause alone and leave the concurrency of %s as it was',
    async (_, ranges) => {
      const gate = new Gate();
      const work = async (handle: WorkflowHandle) => {
        await until('two ranges run', () => gate.waiting.length === 2);
        await handle.signal('controls', { paused: true });
        expect(await status(handle)).toMatchObject({ concurrency: 2, paused: true });
        const { segment } = await status(handle);
        // A signal passes the pause on to it, which takes a moment.
        if (segment !== undefined) {
          await until('its segment is told', async () => {
            const { events } = await segmentOf(handle).fetchHistory();
            return events!.some((event) => event.workflowExecutionSignaledEventAttributes);
          });
        }
        gate.release();
        await until('the running ones are done', async () => {
          return (await readProgress(session.client, handle.workflowId)).ranges_done === 2;
        });
        expect(gate.started).toBe(2);
        if (segment !== undefined) await segmentOf(handle).signal('controls', { paused: false });
        else await handle.signal('controls', { paused: false });
        await until('it goes on', () => gate.waiting.length === 2);
        await handle.signal('controls', { paused: false });
        gate.release();
        await until('two more ranges run', () => gate.started === 6);
        expect(gate.most).toBe(2);
        await handle.executeUpdate('setConcurrency', { args: [20] });
        await gate.letThrough(handle);
      };
      await run(ranges, gate.range, work, { concurrency: 2 });
    },
  );
});

describe('a range that fails for good', () => {
  const failing = (broken: () => boolean, ran: string[]) => (task: RangeTask) => {
    ran.push(task.range.first);
    if (task.range.first === '2000' && broken()) {
      throw ApplicationFailure.nonRetryable('the node lied', 'NODE_LIED');
    }
    return Promise.resolve(stored(task));
  };

  it('does not delay the others, and is tried again on demand', async () => {
    let broken = true;
    const ran: string[] = [];
    await run(
      6,
      failing(() => broken, ran),
      async (handle) => {
        await until('it is blocked', async () => (await status(handle)).phase === 'blocked');
        const blocked = await status(handle);
        expect(blocked.failed).toEqual([{ range: '2000-2999', reason: 'the node lied' }]);
        expect(blocked.waiting_for).toMatch(/range\(s\) failed.*retry/);
        expect(blocked.done.ranges).toBe(5);
        broken = false;
        expect(await handle.executeUpdate('retry')).toBe(1);
        await handle.result();
        expect(ran.filter((first) => first === '2000')).toHaveLength(2);
        expect(ran).toHaveLength(7);
      },
    );
  });

  it('fails the workflow with its reason when the input says so', async () => {
    const ran: string[] = [];
    await run(
      6,
      failing(() => true, ran),
      async (handle) => {
        await expect(handle.result()).rejects.toMatchObject({
          cause: { message: expect.stringMatching(/2000-2999: the node lied/) as string },
        });
        expect(ran).toHaveLength(6);
      },
      { when_blocked: 'fail' },
    );
  });
});

it('a commit in quarantine is tried again apart, and fails if it then fails for another reason', async () => {
  const queues: string[] = [];
  const commit = () => {
    queues.push(Context.current().info.taskQueue);
    const [message, type] =
      queues.length === 1
        ? ['its worker died', 'QUARANTINED']
        : ['another chain', 'CHAIN_MISMATCH'];
    return Promise.reject(ApplicationFailure.nonRetryable(message, type));
  };
  const work = async (handle: WorkflowHandle) => {
    await until('it is blocked', async () => (await status(handle)).phase === 'blocked');
    expect(await handle.executeUpdate('retry')).toBe(1);
    await expect(handle.result()).rejects.toMatchObject({ cause: { message: 'another chain' } });
    expect(queues).toEqual([CONTROL_QUEUE, APART_QUEUE]);
  };
  await run(2, (task) => Promise.resolve(stored(task)), work, {}, commit);
});

it('ranges that the commit finds missing are stored again, and nothing else', async () => {
  const ran: string[] = [];
  let found = [[1, 4], [4]];
  const range = (task: RangeTask) => {
    ran.push(task.range.first);
    return Promise.resolve(stored(task));
  };
  const commit = (_job: Job, unit: Unit) => {
    const [ranges, ...rest] = found;
    found = rest;
    if (!ranges) return Promise.resolve(committed(unit));
    const incomplete = { type: 'UNIT_INCOMPLETE', nonRetryable: true, details: [{ ranges }] };
    return Promise.reject(ApplicationFailure.create({ message: 'gone', ...incomplete }));
  };
  const work = async (handle: WorkflowHandle) => {
    await handle.result();
    expect(ran.slice(6).sort()).toEqual(['1000', '4000', '4000']);
    expect((await status(handle)).done).toMatchObject({ ranges: 6, records: '6000' });
  };
  await run(6, range, work, {}, commit);
});

describe('a bad input', () => {
  it.each([
    ['nothing', undefined, /must be one JSON object/],
    ['an empty list of nodes', { ...INPUT, node: [] }, /^node must be .* a list of 0$/],
    [
      'too many nodes',
      { ...INPUT, node: Array.from({ length: 17 }, (_, i) => `http://node-${i}`) },
      /^node must be one URL or a list of 1 to 16, not a list of 17$/,
    ],
    [
      'a node twice',
      { ...INPUT, node: ['http://a', 'http://a/'] },
      /^node: "http:..a" is given twice/,
    ],
    ['an invalid node', { ...INPUT, node: ['http://a', 'b:6186'] }, /^node must be the URL .*"b/],
    [
      'an invalid port',
      { ...INPUT, node: 'http://a:618600', start_version: 0, num_transactions: 1 },
      /^node must be the URL .*"http:..a:618600"/,
    ],
    ['no node', { storage: INPUT.storage, start_version: 0, num_transactions: 1 }, /^node /],
    ['no count', { ...INPUT, start_version: 0 }, /^num_transactions /],
    [
      'a number that JSON rounds',
      { ...INPUT, start_version: 2 ** 53, num_transactions: 1 },
      /^start_version .*as a string/,
    ],
    [
      'a range past the end',
      { ...INPUT, start_version: '18446744073709551615', num_transactions: 2 },
      /past the largest version/,
    ],
    [
      'an unknown field',
      { ...INPUT, start_version: 0, num_transactions: 1, concurency: 3 },
      /unknown field "concurency"/,
    ],
  ])('%s fails the workflow at once', async (name, input, message) => {
    const unused = { planUnit: () => Promise.reject(new Error('not reached')) };
    await withActivities(session, unused, async () => {
      const handle = await session.client.workflow.start('transactionBackup', {
        workflowId: `bad input: ${name}`,
        taskQueue: 'aptos-backup',
        args: input === undefined ? [] : [input],
      });
      await expect(handle.result()).rejects.toMatchObject({
        cause: { type: 'INPUT_INVALID', message: expect.stringMatching(message) as string },
      });
    });
  });
});

const segment = {
  job: {},
  unit: unitOf(4),
  ranges: { from: 0, to: 4 },
  controls: { concurrency: 2, paused: false },
};
it.each<[string, unknown]>([
  ['nothing', undefined],
  ['null', null],
  ['an empty object as input', {}],
  ['no unit', { ...segment, unit: undefined }],
  ['a unit without ranges', { ...segment, unit: { first: '0' } }],
  ['an invalid first record', { ...segment, unit: { ...segment.unit, first: 'x' } }],
  ['no ranges', { ...segment, ranges: undefined }],
  ['ranges that the unit does not have', { ...segment, ranges: { from: 0, to: 5 } }],
  ['ranges that are no numbers', { ...segment, ranges: { only: ['1'] } }],
  ['more ranges than fit into memory', { ...segment, ranges: { from: 0, to: 1e15 } }],
  ['no controls', { ...segment, controls: undefined }],
  ['too many lanes', { ...segment, controls: { concurrency: 1e9, paused: false } }],
])('a segment that somebody starts with %s fails at once', async (name, input) => {
  const unused = { planUnit: () => Promise.reject(new Error('not reached')) };
  await withActivities(session, unused, async () => {
    const handle = await session.client.workflow.start('chunkSegment', {
      workflowId: `bad segment: ${name}`,
      taskQueue: 'aptos-backup',
      args: input === undefined ? [] : [input],
    });
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'INPUT_INVALID' } });
  });
});
