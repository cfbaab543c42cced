/** How the limits of a node are shared out: never more than there is, and something for everybody. */
import { expect, it } from 'vitest';
import { LIMITED, type NodeLimits } from '../../src/contract/node-limits.js';
import {
  type Ask,
  type Grant,
  type Holder,
  MOST_HOLDERS,
  living,
  parseAsk,
  requireRoom,
  shareOut,
} from '../../src/contract/share-out.js';

const NOTHING = { streams: 0, requestsPerSecond: 0, bytesPerSecond: 0 };
const LIMITS = { streams: 4, requestsPerSecond: 10, bytesPerSecond: 1_000 };

/** A random sequence that is the same in each run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/** A process as the real one behaves: it opens streams up to its share, and never more than it told. */
class Process {
  share: NodeLimits = { ...NOTHING };
  open = 0;
  served = 0;
  wants = { ...NOTHING };

  constructor(
    readonly name: string,
    readonly limits: NodeLimits = LIMITS,
  ) {}

  ask(): Ask {
    const least = (name: 'requestsPerSecond' | 'bytesPerSecond') =>
      Math.min(this.share[name] ?? Infinity, this.wants[name]);
    const streams = Math.max(this.open, Math.min(this.share.streams ?? 0, this.wants.streams));
    const holds = {
      streams,
      requestsPerSecond: least('requestsPerSecond'),
      bytesPerSecond: least('bytesPerSecond'),
    };
    this.share = { ...holds };
    return { holder: this.name, limits: this.limits, holds, wants: { ...this.wants } };
  }

  granted({ share }: Grant): void {
    this.share = share;
  }

  work(): void {
    const room = Math.max(0, (this.share.streams ?? Infinity) - this.open);
    const more = Math.min(room, this.wants.streams - this.open);
    this.open += Math.max(0, more);
    this.served += Math.max(0, more);
  }
}

class Limiter {
  holders: Holder[] = [];
  now = 1_000;

  ask(process: Process, lost = false): Grant {
    const { holders, grant } = shareOut(this.holders, process.ask(), this.now);
    this.holders = holders;
    if (!lost) process.granted(grant);
    return grant;
  }
}

it.each([1, 2, 3])(
  'all shares in use never add up to more than the limits, whoever asks, ends, dies or misses an answer (seed %i)',
  (seed) => {
    const next = random(seed);
    const limiter = new Limiter();
    const processes = Array.from({ length: 7 }, (_, i) => new Process(`p${i}`));
    for (let step = 0; step < 2_000; step += 1) {
      limiter.now += Math.floor(next() * 500);
      const i = Math.floor(next() * processes.length);
      const one = processes[i]!;
      if (next() < 0.01) processes[i] = new Process(`p${i}-${step}`); // the old one is dead
      if (next() < 0.3) {
        const wants = { streams: Math.floor(next() * 6), requestsPerSecond: next() * 12 };
        one.wants = { ...wants, bytesPerSecond: next() * 1_200 };
        one.wants.streams = Math.max(one.wants.streams, one.open);
      }
      if (next() < 0.4 && one.open > 0) one.open -= 1;
      if (next() < 0.6) limiter.ask(one, next() < 0.1);
      // A process whose lease has ended uses nothing.
      for (const process of processes) {
        const alive = limiter.holders.some(
          ({ holder, until }) => holder === process.name && until > limiter.now,
        );
        if (alive) continue;
        process.share = { ...NOTHING };
        process.open = 0;
      }
      one.work();
      const sum = (of: (process: Process) => number) =>
        processes.reduce((all, process) => all + of(process), 0);
      expect(sum(({ open }) => open)).toBeLessThanOrEqual(LIMITS.streams);
      for (const name of LIMITED) {
        expect(sum(({ share }) => share[name]!)).toBeLessThanOrEqual(LIMITS[name] + 1e-6);
      }
    }
  },
);

it.each([1, 3, 4])('with %i streams for five processes, each gets its turn', (streams) => {
  const limiter = new Limiter();
  const limits = { streams };
  const processes = Array.from({ length: 5 }, (_, i) => new Process(`p${i}`, limits));
  for (const one of processes) one.wants.streams = 3;
  for (let round = 0; round < 100; round += 1) {
    for (const one of processes) {
      limiter.now += 400;
      one.open = Math.max(0, one.open - (round % 2)); // a stream ends every other round
      limiter.ask(one);
      one.work();
    }
  }
  const served = processes.map((one) => one.served);
  expect(Math.min(...served)).toBeGreaterThan(3);
  expect(Math.max(...served)).toBeLessThanOrEqual(Math.min(...served) * 2);
});

it('who is alone gets all, a newcomer only what is free, and a fair part when the other has asked again', () => {
  const limiter = new Limiter();
  const [one, two] = [new Process('one'), new Process('two')];
  for (const process of [one, two]) {
    process.wants = { streams: 9, requestsPerSecond: 10, bytesPerSecond: 1_000 };
  }
  expect(limiter.ask(one).share).toEqual(LIMITS);
  one.work();
  expect(limiter.ask(two).share).toEqual(NOTHING);
  // It keeps the streams that it has open, and tells the next time that it holds less. Without a stream, the other one
  // needs few bytes.
  expect(limiter.ask(one).share).toEqual({ streams: 2, requestsPerSecond: 5, bytesPerSecond: 950 });
  expect(limiter.ask(two).share).toEqual(NOTHING);
  limiter.ask(one);
  expect(limiter.ask(two).share).toEqual({ streams: 0, requestsPerSecond: 5, bytesPerSecond: 50 });
  one.open = 2;
  limiter.ask(one);
  expect(limiter.ask(two).share).toEqual({ streams: 2, requestsPerSecond: 5, bytesPerSecond: 50 });
  for (const process of [one, one, two]) limiter.ask(process);
  expect(two.share).toEqual({ streams: 2, requestsPerSecond: 5, bytesPerSecond: 500 });
});

it('who uses little leaves the rest to the others, and who gives back has nothing', () => {
  const limiter = new Limiter();
  const [calm, busy] = [new Process('calm'), new Process('busy')];
  calm.wants = { streams: 1, requestsPerSecond: 2, bytesPerSecond: 10 };
  busy.wants = { streams: 8, requestsPerSecond: 10, bytesPerSecond: 1_000 };
  limiter.ask(calm);
  expect(limiter.ask(busy).share).toEqual({
    ...{ streams: 3, requestsPerSecond: 8, bytesPerSecond: 990 },
  });
  const { holders } = shareOut(limiter.holders, { ...calm.ask(), leaves: true }, limiter.now);
  limiter.holders = holders;
  expect(limiter.holders.map(({ holder }) => holder)).toEqual(['busy']);
  expect(limiter.ask(busy).share).toEqual(LIMITS);
});

it('the lease of a process that died ends by itself, and no clock that is set back makes one longer', () => {
  const limiter = new Limiter();
  const [dead, other] = [new Process('dead'), new Process('other')];
  for (const process of [dead, other]) process.wants.streams = 4;
  const { validMs } = limiter.ask(dead);
  limiter.now += validMs - 1;
  expect(limiter.ask(other).share.streams).toBe(0);
  limiter.now += 1;
  expect(limiter.ask(other).share.streams).toBe(4);
  const back = limiter.now - 3_600_000;
  expect(living(limiter.holders, back)[0]?.until).toBe(back + validMs);
});

it('the strictest limit of all who work counts, and a process that is not limited yet counts as using all', () => {
  const limiter = new Limiter();
  const [one, two] = [
    new Process('one', { bytesPerSecond: 1_000 }),
    new Process('two', { streams: 2, bytesPerSecond: 300 }),
  ];
  for (const process of [one, two]) process.wants = { ...NOTHING, streams: 2, bytesPerSecond: 200 };
  expect(limiter.ask(one).share).toEqual({ bytesPerSecond: 200 });
  const second = limiter.ask(two);
  expect(second.limits).toEqual({ streams: 2, bytesPerSecond: 300 });
  expect(second.share).toEqual({ streams: 0, bytesPerSecond: 15 });
});

it.each([
  [{}, /holder/],
  [{ holder: 'a', limits: {}, holds: {}, wants: { ...NOTHING, streams: -1 } }, /wants.streams/],
  [{ holder: 'a'.repeat(300), limits: {}, holds: {}, wants: NOTHING }, /holder/],
  [{ holder: 'a', limits: { streams: 'x' }, holds: {}, wants: NOTHING }, /limits.streams/],
  [{ holder: 'a', limits: { streams: 1e9 }, holds: {}, wants: NOTHING }, /limits.streams/],
  [{ holder: 'a', limits: { streams: 2.5 }, holds: {}, wants: NOTHING }, /limits.streams/],
])('a question that is none is refused: %j', (raw, why) => {
  expect(() => parseAsk(raw)).toThrow(why);
});

it('more processes than fit into a payload are refused, and those that have a share are not', () => {
  const limiter = new Limiter();
  for (let i = 0; i < MOST_HOLDERS; i += 1) {
    const one = new Process(`p${i}`);
    one.wants.streams = 1;
    limiter.ask(one);
  }
  const ask = (name: string) => ({ ...new Process(name).ask(), holder: name });
  expect(() => requireRoom(limiter.holders, ask('another'), limiter.now)).toThrow(/500 processes/);
  requireRoom(limiter.holders, ask('p7'), limiter.now);
});
