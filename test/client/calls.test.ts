/** Calls of commands that run for months leave nothing behind and survive a server that is away. */
import { getEventListeners } from 'node:events';
import { ServiceError } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { abortable, resultOf } from '../../src/client/calls.js';
import { startTemporal } from '../support/temporal.js';

let session: Awaited<ReturnType<typeof startTemporal>>;
beforeAll(async () => {
  session = await startTemporal();
});
afterAll(() => session.close());

it('calls leave no listener on the signal of the command', async () => {
  const { client, namespace } = session;
  const { signal } = new AbortController();
  const ask = () => client.workflowService.describeNamespace({ namespace });
  for (let i = 0; i < 20; i += 1) await abortable(client, signal, ask);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

it('the wait for a result survives errors of the server, and no other errors', async () => {
  const { client } = session;
  const { signal } = new AbortController();
  const answers = [new ServiceError('it is away'), 'done', new TypeError('ours')];
  const result = () => {
    const answer = answers.shift();
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  expect(await resultOf(client, { result }, signal)).toBe('done');
  await expect(resultOf(client, { result }, signal)).rejects.toThrow('ours');
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

it('the wait for a result ends at once when the signal aborts, even if the call ignores the signal', async () => {
  const { client } = session;
  const leaving = new AbortController();
  const never = { result: () => new Promise<never>(() => undefined) };
  const waiting = resultOf(client, never, leaving.signal);
  leaving.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});
