import * as v from 'valibot';
import { LIMITED, type NodeLimits, nodeLimits, strictest } from './node-limits.js';
import { InputError, parse } from './schema.js';
import { text, time } from './shape.js';

/**
 * How a node's limits are shared out among the processes that work with it. Each asks every few seconds and gets a
 * share that is valid for a while. The shares that may be in use at any moment never add up to more than the limits.
 */

/** A share that nobody renews ends after this time. */
const VALID_MS = 60_000;
/** A process asks again after this time: while there is too little for all, while one uses all, and else. */
const AGAIN_MS = { scarce: 2_000, busy: 5_000, calm: 20_000 };
/** Payloads stay small. More processes get no share. */
export const MOST_HOLDERS = 500;
const MOST_NAME = 200;

const amount = v.pipe(v.number(), v.finite(), v.minValue(0));
const name = v.pipe(text, v.minLength(1), v.maxLength(MOST_NAME));

/** What a process sends. */
export type Ask = v.InferOutput<typeof ask>;
const askFields = {
  /** The process: a name that no other one has. */
  holder: name,
  /** The limits that it was given. */
  limits: nodeLimits,
  /**
   * What it may use until it has the answer, and no more: what it was granted before, or less if it gives back. It
   * also counts streams that are still open. Absent: it is not limited yet.
   */
  holds: nodeLimits,
  /** What it could use. */
  wants: v.object({ streams: amount, requestsPerSecond: amount, bytesPerSecond: amount }),
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
  if (wantsNothing(asking)) return { holders: others, grant: nothing(asking.limits) };
  const limits = strictest([...others, asking].map((one) => one.limits));
  const queuedAt = placeInLine(known, others, limits.streams, now);
  const me: Holder = { ...asking, until: now + VALID_MS, queuedAt };
  const all = [...others, me];
  const share: NodeLimits = {};
  for (const name of LIMITED) {
    const limit = limits[name];
    if (limit === undefined) continue;
    const fair = name === 'streams' ? fairStreams(limit, all, me) : fairRate(limit, all, me, name);
    const taken = others.reduce((sum, one) => sum + (one.holds[name] ?? Infinity), 0);
    share[name] = Math.max(0, Math.min(fair, limit - taken));
  }
  const holds = higher(share, asking.holds);
  return {
    holders: [...others, { ...me, holds }],
    grant: { share, limits, validMs: VALID_MS, againMs: againMs(limits, all, me) },
  };
}

/** What it may use before it asks again: the new share, or what it held if that is more. */
function higher(share: NodeLimits, held: NodeLimits): NodeLimits {
  const holds: NodeLimits = {};
  for (const name of LIMITED) {
    const [now, before] = [share[name], held[name]];
    if (now !== undefined && before !== undefined) holds[name] = Math.max(now, before);
  }
  return holds;
}

function wantsNothing({ wants, holds }: Ask): boolean {
  return LIMITED.every((name) => wants[name] === 0 && holds[name] === 0);
}

function nothing(limits: NodeLimits): Grant {
  const share = { streams: 0, requestsPerSecond: 0, bytesPerSecond: 0 };
  return { share, limits, validMs: 0, againMs: AGAIN_MS.calm };
}

/**
 * Where a process stands in the line for streams. While there are fewer streams than processes that want some, one
 * that has a stream goes to the end of the line when it asks. So each gets its turn.
 */
function placeInLine(
  known: Holder | undefined,
  others: readonly Holder[],
  streams: number | undefined,
  now: number,
): number {
  if (!known || known.wants.streams === 0) return now;
  const line = others.filter(({ wants }) => wants.streams > 0).length + 1;
  const waits = known.holds.streams === 0;
  return waits || line <= (streams ?? Infinity) ? known.queuedAt : now;
}

/** One stream for each in turn, until all are given. */
function fairStreams(limit: number, all: readonly Holder[], me: Holder): number {
  const line = all
    .filter(({ wants }) => wants.streams > 0)
    .sort((a, b) => a.queuedAt - b.queuedAt || (a.holder < b.holder ? -1 : 1));
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

/** Who wants less than an equal part gets what it wants. The others share the rest equally. */
function fairRate(
  limit: number,
  all: readonly Holder[],
  me: Holder,
  name: 'requestsPerSecond' | 'bytesPerSecond',
): number {
  let left = limit;
  const wanted = all.map(({ wants }) => wants[name]).sort((a, b) => a - b);
  for (const [i, want] of wanted.entries()) {
    const part = left / (wanted.length - i);
    if (want >= part) return Math.min(me.wants[name], part);
    left -= want;
  }
  return me.wants[name];
}

function againMs(limits: NodeLimits, all: readonly Holder[], me: Holder): number {
  const limited = LIMITED.filter((name) => limits[name] !== undefined);
  const wanted = (name: (typeof LIMITED)[number]) =>
    all.reduce((sum, { wants }) => sum + wants[name], 0);
  if (limited.some((name) => wanted(name) > limits[name]!)) return AGAIN_MS.scarce;
  if (limited.some((name) => me.wants[name] >= limits[name]!)) return AGAIN_MS.busy;
  return AGAIN_MS.calm;
}
