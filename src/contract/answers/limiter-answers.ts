import * as v from 'valibot';
import { text, time } from '../shape.js';
import { field, maybe, number } from './fields.js';

/** What a node may be asked for at most. */
export const nodeAmounts = (of: string) => ({
  streams: maybe(number, `streams ${of}`),
  requests_per_second: maybe(number, 'requests a second, likewise'),
  bytes_per_second: maybe(number, 'bytes a second, likewise'),
});

/** What a node may be asked for, and who holds how much of it. */
export type NodeLimiterStatus = v.InferOutput<typeof nodeLimiterStatus>;
export const nodeLimiterStatus = v.object({
  node: field(text, 'the URL of the node'),
  limits: field(
    v.object(nodeAmounts('that may be open at once; absent: no limit')),
    'the strictest limits of all holders',
  ),
  held: field(
    v.object(nodeAmounts('that all holders together may have open')),
    'what is given away',
  ),
  holders: field(
    v.array(
      v.object({
        process: field(text, 'the worker process: its id and its host'),
        ...nodeAmounts('that it may have open; absent: no limit'),
        wants_streams: field(number, 'streams that it has open or waits for'),
        until: field(time, 'when its share ends, if it does not ask again'),
      }),
    ),
    'the worker processes that work with the node',
  ),
});
