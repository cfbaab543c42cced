import * as v from 'valibot';
import {
  LIMITED,
  type NodeLimits,
  amount,
  givenLimits,
  nodeLimits,
  strictest,
} from './node-limits.js';
import { InputError, parse } from './schema.js';
import { text, time } from './shape.js';

/**
 * How a node's limits are shared out among the processes that work with it. Each asks every few seconds and gets a
 * share that is valid for a while. The shares that may be in use at any moment never add up to more than the limits.
 */

/** A share that nobody renews ends after this time. */
const VALID_MS = 60_000;
/** A process asks again after this time: while it gets no stream, there is too little for all, it uses all, and else. */
const AGAIN_MS = { starving: 1_000, scarce: 2_000, busy: 5_000, calm: 20_000 };
/** While there are fewer streams than processes, each keeps its streams for so long. */
const TURN_MS = 5_000;
/** Who has no stream gets this part of the bytes at most: few answers are large. */
const BYTES_WITHOUT_STREAM = 1 / 20;
/** Payloads stay small. More processes get no share. */
export const MOST_HOLDERS = 500;
const MOST_NAME = 200;

const name = v.pipe(text, v.minLength(1), v.maxLength(MOST_NAME));

/** What a process sends. */
export type Ask = v.InferOutput<typeof ask>;
const askFields = {
  /** The process: a name that no other one has. */
  holder: name,
  /** The limits that it was given. */
  limits: givenLimits,
  /**
   * What it may use until it has the answer, and no more: what it was granted before, or less if it gives back. It
   * also counts streams that are still open. Absent: it is not limited yet.
   */
  holds: nodeLimits,
  /** What it could use. */
  wants: v.object({ streams: amount, requestsPerSecond: amount, bytesPerSecond: amount }),
  /** It gives everything back. */
  leaves: v.exactOptional(v.literal(true)),
};
const ask = v.object(askFields);

/** @throws InputError */
export function parseAsk(raw: unknown): Ask {
  return parse(ask, raw, 'the question for a share');
}

/** What it gets. */
export type Grant = v.InferOutput<typeof grant>;
const grant = v.object({
  /** Absent: no limit. */
  share: nodeLimits,
  /** The limits of the node now. */
  limits: nodeLimits,
  validMs: amount,
  againMs: amount,
});

/** Whether a value is a grant. The server may be of another release. */
export function isGrant(value: unknown): value is Grant {
  return v.is(grant, value);
}

/** A process that has a share, or waits for one. */
export type Holder = v.InferOutput<typeof holder>;
const holder = v.object({
  ...askFields,
  /** Its lease ends here, in unix milliseconds by the server's clock. */
  until: time,
  /** Its place in the line for streams, likewise. */
  queuedAt: time,
  /** Until then its streams are not taken away for the next one in the line, likewise. */
  turnUntil: time,
});
const holders = v.pipe(v.array(holder), v.maxLength(MOST_HOLDERS));

/** @throws InputError */
export function parseHolders(raw: unknown): Holder[] {
  return parse(holders, raw, 'the holders of shares');
}

/** Those whose lease has not ended. A clock that was set back makes no lease longer. */
export function living(all: readonly Holder[], now: number): Holder[] {
  return all
    .filter(({ until }) => until > now)
    .map((one) => ({ ...one, until: Math.min(one.until, now + VALID_MS) }));
}

/** @throws InputError when there are too many holders */
export function requireRoom(all: readonly Holder[], asking: Ask, now: number): void {
  const others = living(all, now).filter(({ holder }) => holder !== asking.holder);
  if (others.length < MOST_HOLDERS) return;
  throw new InputError(`${MOST_HOLDERS} processes share the limits of this node; no more can`);
}

/**
 * Answers one process. It gets its fair part, but only as much of it as is free. The others give back what they have
 * above theirs when they ask next: what a process held when it asked counts until it asks again. So an answer may
 * get lost, and nothing is given twice.
 */
export function shareOut(
  before: readonly Holder[],
  asking: Ask,
  now: number,
): { holders: Holder[]; grant: Grant } {
  const alive = living(before, now);
  const known = alive.find(({ holder }) => holder === asking.holder);
  const others = alive.filter((one) => one !== known);
  if (asking.leaves) return { holders: others, grant: nothing(asking.limits) };
  const limits = strictest([...others, asking].map((one) => one.limits));
  const place = placeInLine(known, others, limits.streams, now);
  const me: Holder = { ...asking, holds: {}, until: now + VALID_MS, ...place };
  const all = [...others, me];
  const share: NodeLimits = {};
  for (const name of LIMITED) {
    const limit = limits[name];
    if (limit === undefined) continue;
    const fair =
      name === 'streams'
        ? fairStreams(limit, all, me, now)
        : fairRate(limit, ratesOf(name, all, limit), me);
    const taken = others.reduce((sum, one) => sum + (one.holds[name] ?? Infinity), 0);
    const own = Math.max(0, Math.min(fair, limit - taken));
    share[name] = own;
    // Until it asks again, it may go by what it held before, if that is more.
    const held = asking.holds[name];
    if (held !== undefined) me.holds[name] = Math.max(own, held);
  }
  if (asking.holds.streams === 0 && me.holds.streams !== 0) me.turnUntil = now + TURN_MS;
  return {
    holders: [...others, me],
    grant: { share, limits, validMs: VALID_MS, againMs: againMs(limits, all, me) },
  };
}

function nothing(limits: NodeLimits): Grant {
  const share = { streams: 0, requestsPerSecond: 0, bytesPerSecond: 0 };
  return { share, limits, validMs: 0, againMs: AGAIN_MS.calm };
}

/**
 * Where a process stands in the line for streams. While there are fewer streams than processes that want some, one
 * whose turn is over goes to the end of the line. So each gets its turn.
 */
function placeInLine(
  known: Holder | undefined,
  others: readonly Holder[],
  streams: number | undefined,
  now: number,
): Pick<Holder, 'queuedAt' | 'turnUntil'> {
  if (!known || known.wants.streams === 0) return { queuedAt: now, turnUntil: now };
  const { queuedAt, turnUntil, holds } = known;
  const line = others.filter(({ wants }) => wants.streams > 0).length + 1;
  const isOver = holds.streams !== 0 && turnUntil <= now && line > (streams ?? Infinity);
  return isOver ? { queuedAt: now, turnUntil } : { queuedAt, turnUntil };
}

/** One stream for each in turn, until all are given. */
function fairStreams(limit: number, all: readonly Holder[], me: Holder, now: number): number {
  const late = ({ turnUntil }: Holder) => (turnUntil > now ? 0 : 1);
  const line = all
    .filter(({ wants }) => wants.streams > 0)
    .sort((a, b) => late(a) - late(b) || a.queuedAt - b.queuedAt || (a.holder < b.holder ? -1 : 1));
  const got = new Map<Holder, number>();
  for (let left = limit, given = true; left > 0 && given;) {
    given = false;
    for (const one of line) {
      const has = got.get(one) ?? 0;
      if (left === 0 || has >= one.wants.streams) continue;
      got.set(one, has + 1);
      left -= 1;
      given = true;
    }
  }
  return got.get(me) ?? 0;
}

/** What each process could use of a rate. Most bytes come in streams, so without a stream it needs few. */
function ratesOf(
  name: 'requestsPerSecond' | 'bytesPerSecond',
  all: readonly Holder[],
  limit: number,
): Map<Holder, number> {
  const few = name === 'bytesPerSecond' ? limit * BYTES_WITHOUT_STREAM : limit;
  return new Map(
    all.map((one) => {
      const wanted = one.wants[name];
      return [one, one.holds.streams === 0 ? Math.min(wanted, few) : wanted];
    }),
  );
}

/** Who wants less than an equal part gets what it wants. The others share the rest equally. */
function fairRate(limit: number, wants: ReadonlyMap<Holder, number>, me: Holder): number {
  const own = wants.get(me) ?? 0;
  const wanted = [...wants.values()].sort((a, b) => a - b);
  let left = limit;
  for (const [i, want] of wanted.entries()) {
    const part = left / (wanted.length - i);
    if (want >= part) return Math.min(own, part);
    left -= want;
  }
  return own;
}

function againMs(limits: NodeLimits, all: readonly Holder[], me: Holder): number {
  const limited = LIMITED.filter((name) => limits[name] !== undefined);
  const wanted = (name: (typeof LIMITED)[number]) =>
    all.reduce((sum, { wants }) => sum + wants[name], 0);
  if (me.holds.streams === 0 && me.wants.streams > 0) return AGAIN_MS.starving;
  if (limited.some((name) => wanted(name) > limits[name]!)) return AGAIN_MS.scarce;
  if (limited.some((name) => me.wants[name] >= limits[name]!)) return AGAIN_MS.busy;
  return AGAIN_MS.calm;
}
