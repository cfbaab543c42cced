import * as v from 'valibot';
import { count } from './schema.js';

/**
 * What a node may be asked for, by everything of ours that works through one Temporal server. An operator gives it
 * with a job; the limiter of the node hands it out (share-out.ts). Absent: no limit.
 */

/** The service of a node has 64 threads for streams, so more streams than this are no limit. */
const MOST_STREAMS = 64n;
const streams = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(Number(MOST_STREAMS)));
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** How much of something, or how much a second. */
export const amount = v.pipe(v.number(), v.finite(), v.minValue(0));

export type NodeLimits = v.InferOutput<typeof nodeLimits>;
export const nodeLimits = v.object({
  streams: v.optional(amount),
  requestsPerSecond: v.optional(amount),
  bytesPerSecond: v.optional(amount),
});
/** Limits as a job gives them. */
export const givenLimits = v.object({ ...nodeLimits.entries, streams: v.optional(streams) });

/** What is limited. */
export const LIMITED = ['streams', 'requestsPerSecond', 'bytesPerSecond'] as const;

const TOGETHER = 'together with all else that works through the same Temporal server';

/** The fields of inputs. */
export const nodeLimitFields = {
  node_streams: v.optional(
    v.pipe(
      count(MOST_STREAMS),
      v.description(`most streams that are open at a node at once, ${TOGETHER}`),
    ),
  ),
  node_requests_per_second: v.optional(
    v.pipe(count(SAFE), v.description(`most requests to a node in a second, ${TOGETHER}`)),
  ),
  node_bytes_per_second: v.optional(
    v.pipe(
      count(SAFE),
      v.description(`most bytes that are read from a node in a second, ${TOGETHER}`),
    ),
  ),
};

interface Fields<T> {
  node_streams?: T | undefined;
  node_requests_per_second?: T | undefined;
  node_bytes_per_second?: T | undefined;
}

/** The limits from the fields of an input; undefined: there are none, and the job is as without the fields. */
export function nodeLimitsOf(fields: Fields<bigint>): NodeLimits | undefined {
  const { node_streams: streams, node_bytes_per_second: bytes } = fields;
  const { node_requests_per_second: requests } = fields;
  if (streams === undefined && requests === undefined && bytes === undefined) return undefined;
  return {
    ...(streams === undefined ? {} : { streams: Number(streams) }),
    ...(requests === undefined ? {} : { requestsPerSecond: Number(requests) }),
    ...(bytes === undefined ? {} : { bytesPerSecond: Number(bytes) }),
  };
}

/** The fields that give these limits. */
export function nodeLimitInput(limits: NodeLimits | undefined) {
  return {
    node_streams: limits?.streams,
    node_requests_per_second: limits?.requestsPerSecond,
    node_bytes_per_second: limits?.bytesPerSecond,
  } satisfies Record<keyof typeof nodeLimitFields, unknown>;
}

/**
 * Of several limits, the strictest of each. Hosts cannot agree which of two values is newer, and a range that began
 * before a change still brings the old one. The strictest is the value that breaks no promise: a stricter limit holds
 * at once, and a looser one as soon as nobody who was given the stricter one works any more.
 */
export function strictest(all: readonly NodeLimits[]): NodeLimits {
  const limits: NodeLimits = {};
  for (const name of LIMITED) {
    const given = all.flatMap((one) => one[name] ?? []);
    if (given.length > 0) limits[name] = Math.min(...given);
  }
  return limits;
}

/** One URL for all ways to write it. */
export function nodeName(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`.replace(/\/+$/, '');
}

/** Limits as answers name them. */
export interface NamedLimits {
  streams?: number | undefined;
  requests_per_second?: number | undefined;
  bytes_per_second?: number | undefined;
}

export function namedLimits(limits: NodeLimits): NamedLimits {
  const { streams, requestsPerSecond: requests, bytesPerSecond: bytes } = limits;
  return {
    ...(streams === undefined ? {} : { streams }),
    ...(requests === undefined ? {} : { requests_per_second: Math.round(requests * 100) / 100 }),
    ...(bytes === undefined ? {} : { bytes_per_second: Math.round(bytes) }),
  };
}

/** Limits for people: `4 streams, 20 requests and 5000000 bytes a second`. */
export function describeLimits(limits: NamedLimits): string {
  const { streams, requests_per_second: requests, bytes_per_second: bytes } = limits;
  const rates = [
    ...(requests === undefined ? [] : [`${requests} requests`]),
    ...(bytes === undefined ? [] : [`${bytes} bytes`]),
  ];
  return [
    ...(streams === undefined ? [] : [streams === 1 ? '1 stream' : `${streams} streams`]),
    ...(rates.length === 0 ? [] : [`${rates.join(' and ')} a second`]),
  ].join(', ');
}
