/** Streams beyond the limit wait for their turn, also while others give up waiting. */
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { StreamSlots } from '../../src/backup-service/stream-slots.js';

const LIMIT = 64;

/** As much of a response as the slots look at. */
class Response extends EventEmitter {
  destroyed = false;

  leave(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

function setUp() {
  const slots = new StreamSlots();
  const running: (() => void)[] = [];
  const begun: string[] = [];
  const open = (name: string) => {
    const res = new Response();
    const work = () => {
      begun.push(name);
      return new Promise<void>((end) => running.push(end));
    };
    const ended = slots.use(res as unknown as ServerResponse, work);
    return { res, ended };
  };
  return { open, running, begun };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

it('whoever waits is served when a slot is free, however many others have left before', async () => {
  const { open, running, begun } = setUp();
  for (let i = 0; i < LIMIT; i += 1) open('first');
  await settled();
  expect(begun).toHaveLength(LIMIT);
  open('patient');
  for (let i = 0; i < 4 * LIMIT; i += 1) {
    const { res, ended } = open('impatient');
    await settled();
    res.leave();
    await ended;
  }
  running.shift()!();
  await settled();
  expect(begun.slice(LIMIT)).toEqual(['patient']);
});

it('they are served in order, never more than the limit at a time', async () => {
  const { open, running, begun } = setUp();
  for (let i = 0; i < LIMIT; i += 1) open('first');
  for (const name of ['a', 'b', 'c']) open(name);
  await settled();
  expect(begun).toHaveLength(LIMIT);
  running.shift()!();
  running.shift()!();
  await settled();
  expect(begun.slice(LIMIT)).toEqual(['a', 'b']);
  for (const end of running.splice(0)) end();
  await settled();
  expect(begun.slice(LIMIT)).toEqual(['a', 'b', 'c']);
});
