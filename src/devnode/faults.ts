import { z } from 'zod';
import { Random } from './chain/random.js';
import { ENDPOINTS, type Endpoint } from './http/answers.js';

const FAULT_KINDS = [
  'refuse',
  'error500',
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
const faultSchema = z.strictObject({
  /** What goes wrong; README, "A simulated node", says what each does. */
  kind: z.enum(FAULT_KINDS),
  endpoint: z.enum([...ENDPOINTS, '*']).default('*'),
  probability: z.number().min(0).max(1).default(1),
  /** After so many times it stops by itself. */
  times: z.number().int().positive().optional(),
  /** For `slow`. */
  bytes_per_second: z.number().int().positive().default(10_000),
});

export type FaultInput = z.input<typeof faultSchema>;
export type Fault = z.output<typeof faultSchema> & { fired: number };

/** The faults that are on, and how often each has fired. */
export class Faults {
  private list: Fault[] = [];
  private readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed + 4242);
  }

  /** @throws Error naming the field that is wrong */
  add(input: unknown): Fault {
    const parsed = faultSchema.safeParse(input);
    if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
    const fault = { ...parsed.data, fired: 0 };
    this.list.push(fault);
    return fault;
  }

  clear(): void {
    this.list = [];
  }

  all(): readonly Fault[] {
    return this.list;
  }

  /** The fault that hits this request, if any. */
  pick(endpoint: Endpoint): Fault | undefined {
    for (const fault of this.list) {
      if (fault.endpoint !== '*' && fault.endpoint !== endpoint) continue;
      if (fault.times !== undefined && fault.fired >= fault.times) continue;
      if (this.random.next() / 2 ** 32 >= fault.probability) continue;
      fault.fired += 1;
      return fault;
    }
    return undefined;
  }

  /** For the place of a flipped byte. */
  below(limit: number): number {
    return this.random.below(limit);
  }
}
