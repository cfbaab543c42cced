/** A thread does one job at a time, and whoever waits for it always gets an answer. */
import { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished, vi } from 'vitest';
import { type JobWatch, runJob } from '../../../src/lib/host/thread-job.js';
import { programOf } from '../../support/program-of.js';

const PROGRAM = programOf(new URL('jobs.ts', import.meta.url));

function thread(): Worker {
  const worker = new Worker(PROGRAM);
  onTestFinished(async () => void (await worker.terminate()));
  return worker;
}

type Watch = JobWatch<number, string, number>;

function run(worker: Worker, what: string, watch: Partial<Watch> = {}): Promise<unknown> {
  return runJob<{ what: string }, number, unknown, string, number>(
    worker,
    { what },
    {
      signal: new AbortController().signal,
      onProgress: () => undefined,
      died: (why) => new Error(`the thread died: ${why}`),
      ...watch,
    },
  );
}

it('a thread does one job after the other and tells their results', async () => {
  const worker = thread();
  expect(await run(worker, 'add one')).toBe(1);
  expect(await run(worker, 'add one')).toBe(2);
});

it('the last progress of a job is told before its result', async () => {
  const told: number[] = [];
  await run(thread(), 'add one', { onProgress: (progress) => told.push(progress) });
  expect(told.at(-1)).toBe(1);
});

it('a job asks the main thread and gets its answer', async () => {
  const answer = (question: string) => Promise.resolve(question.length);
  expect(await run(thread(), 'ask', { answer })).toBe('how much?'.length);
});

it('an answer that fails fails the job', async () => {
  const answer = () => Promise.reject(new RangeError('nobody knows'));
  await expect(run(thread(), 'ask', { answer })).rejects.toMatchObject({
    name: 'RangeError',
    message: 'nobody knows',
  });
});

it('an error of a job keeps its name, message and code', async () => {
  await expect(run(thread(), 'fail')).rejects.toMatchObject({
    name: 'TypeError',
    message: 'the order is wrong',
    code: 'WRONG',
  });
});

it('a job has not failed before what it left is tidied', async () => {
  const told: number[] = [];
  const running = run(thread(), 'leave work', { onProgress: (progress) => told.push(progress) });
  await expect(running).rejects.toThrow('it failed');
  expect(told.at(-1)).toBe(101);
});

it('a thread that exits fails its job with the exit code', async () => {
  await expect(run(thread(), 'exit')).rejects.toThrow('the thread died: it exited with code 7');
});

it('a cancelled job may still end in order', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }); // its grace never runs out
  onTestFinished(() => void vi.useRealTimers());
  const stop = new AbortController();
  const running = run(thread(), 'stop when told', {
    signal: stop.signal,
    onProgress: () => stop.abort(new Error('nobody waits any more')),
  });
  expect(await running).toBe('stopped in order');
});

it('a cancelled job that does not stop is given up with the reason of the cancel', async () => {
  const stop = new AbortController();
  const running = run(thread(), 'be deaf', {
    signal: stop.signal,
    onProgress: () => stop.abort(new Error('nobody waits any more')),
  });
  await expect(running).rejects.toThrow('nobody waits any more');
});
