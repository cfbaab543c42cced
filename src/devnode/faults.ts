import * as v from 'valibot';
import { Random } from './chain/random.js';
import { ENDPOINTS, type Endpoint } from '../backup-service/request.js';

const FAULT_KINDS = [
  'refuse',
  'error500',
  'throttle',
  'delay',
  'stall',
  'slow',
  'cut',
  'short',
  'long',
  'flip',
  'swap',
  'lie',
  'lie_genuine_ledger_info',
  'die',
] as const;
const whole = v.pipe(v.number(), v.safeInteger());
const faultSchema = v.strictObject({
  /** The kind of fault; docs/testing.md says what each does. */
  kind: v.picklist(FAULT_KINDS),
  endpoint: v.optional(v.picklist([...ENDPOINTS, '*']), '*'),
  probability: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 1),
  /** The fault ends after so many requests; without it, it stays until it is cleared. */
  times: v.optional(v.pipe(whole, v.minValue(1))),
  /** For `slow`: the speed of the answer. */
  bytes_per_second: v.optional(v.pipe(whole, v.minValue(1)), 10_000),
  /** For `delay`: the longest wait before an answer begins. Each wait is random, from 0 to this. */
  delay_ms: v.optional(v.pipe(whole, v.minValue(1), v.maxValue(600_000)), 10_000),
  /** For `throttle`: seconds in the Retry-After header. Without it, the answer has no such header. */
  retry_after: v.optional(v.pipe(whole, v.minValue(0), v.maxValue(3_600))),
});

export type FaultInput = v.InferInput<typeof faultSchema>;
export type Fault = v.InferOutput<typeof faultSchema> & {
  /** How many requests the fault has hit. */
  fired: number;
  /** For `delay`: the sum of all waits so far, in milliseconds. */
  waited_ms: number;
};

/** The faults of one request: a wait before the answer, and at most one fault of another kind. */
export interface Hit {
  delayMs: number;
  fault: Fault | undefined;
}

/** The active faults of a node. */
export class Faults {
  private list: Fault[] = [];
  private readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed + 4242);
  }

  /** Adds a fault. @throws Error that names the wrong field */
  add(input: unknown): Fault {
    const parsed = v.safeParse(faultSchema, input);
    if (!parsed.success) throw new Error(v.summarize(parsed.issues));
    const fault = { ...parsed.output, fired: 0, waited_ms: 0 };
    this.list.push(fault);
    return fault;
  }

  clear(): void {
    this.list = [];
  }

  all(): readonly Fault[] {
    return this.list;
  }

  /** Picks the faults for a request at random. All delays add up; of the other faults only the first counts. */
  pick(endpoint: Endpoint): Hit {
    const hit: Hit = { delayMs: 0, fault: undefined };
    for (const fault of this.list) {
      if (fault.kind !== 'delay' && hit.fault) continue;
      if (!this.draws(fault, endpoint)) continue;
      fault.fired += 1;
      if (fault.kind === 'delay') {
        const waits = this.random.below(fault.delay_ms + 1);
        fault.waited_ms += waits;
        hit.delayMs += waits;
      } else {
        hit.fault = fault;
      }
    }
    return hit;
  }

  private draws(fault: Fault, endpoint: Endpoint): boolean {
    if (fault.endpoint !== '*' && fault.endpoint !== endpoint) return false;
    if (fault.times !== undefined && fault.fired >= fault.times) return false;
    return this.random.next() / 2 ** 32 < fault.probability;
  }

  /** A random whole number below `limit`, e.g. the position of a flipped byte. */
  below(limit: number): number {
    return this.random.below(limit);
  }
}
