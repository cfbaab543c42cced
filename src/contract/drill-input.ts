import * as v from 'valibot';
import { commonFields } from './backup-input.js';
import { whyNoFolder } from './folder-path.js';
import { concurrency } from './input-fields.js';
import { count, mustBe, object, parse, show, u64 } from './schema.js';
import type { VerifySettings } from './verification.js';

const DEFAULT_LANES = 2;
/** The tool says something for each chunk. A large one over a slow line takes minutes. */
const DEFAULT_SILENCE_SECONDS = 1800;
const MOST_SILENCE = 86_400n;

/** A path of a worker's host. */
const hostPath = v.pipe(
  v.custom<string>((value) => typeof value === 'string', mustBe('an absolute path')),
  v.check(
    (value) => whyNoFolder(value) === undefined,
    ({ input }) => `${whyNoFolder(String(input))}, not ${show(input)}`,
  ),
  v.title('path'),
);

export const drillFields = {
  storage: commonFields.storage,
  network: commonFields.network,
  trust_waypoints: commonFields.trust_waypoints,
  target_version: v.optional(
    v.pipe(u64, v.description('restore up to this version; absent: all that is stored')),
  ),
  from_version: v.optional(
    v.pipe(u64, v.description('with history from here on; absent: only what the snapshot needs')),
  ),
  stock_binary: v.optional(
    v.pipe(
      hostPath,
      v.description(
        'the stock tool (`aptos-db-tool` or `aptos-debugger`) on the host of the workers; absent: nothing is restored, everything needed is read and proven',
      ),
    ),
  ),
  scratch: v.optional(
    v.pipe(
      hostPath,
      v.description(
        'a folder there with room for the new database; absent: one in the data folder',
      ),
    ),
  ),
  silence_seconds: v.optional(
    v.pipe(
      count(MOST_SILENCE),
      v.description('a tool that prints nothing for so many seconds hangs, and is ended'),
    ),
    DEFAULT_SILENCE_SECONDS,
  ),
  concurrency: v.optional(
    v.pipe(concurrency, v.description('tasks in flight while reading and proving')),
    DEFAULT_LANES,
  ),
};
const drillInput = object(drillFields);

/** Input of `restoreDrill`. All fields but the storage are optional. */
export type DrillInput = v.InferInput<typeof drillInput>;

/** What a drill is to restore, as it travels to activities. */
export interface DrillOrder {
  settings: VerifySettings;
  target?: string | undefined;
  from?: string | undefined;
}

/** The stock tool of a drill. */
export interface DrillTool {
  binary: string;
  /** The folder below which the drill works; absent: one in the data folder of the worker. */
  scratch?: string | undefined;
  silenceSeconds: number;
}

export interface ParsedDrill {
  order: DrillOrder;
  tool: DrillTool | undefined;
  concurrency: number;
}

/** @throws InputError naming the field */
export function parseDrillInput(raw: unknown): ParsedDrill {
  const fields = parse(drillInput, raw);
  const { stock_binary: binary, scratch, network, storage } = fields;
  return {
    order: {
      settings: { storage, network, trustWaypoints: fields.trust_waypoints },
      target: fields.target_version?.toString(),
      from: fields.from_version?.toString(),
    },
    tool:
      binary === undefined
        ? undefined
        : { binary, scratch, silenceSeconds: Number(fields.silence_seconds) },
    concurrency: fields.concurrency,
  };
}
