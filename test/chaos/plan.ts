import { Random } from '../../src/devnode/chain/random.js';
import type { FaultInput } from '../../src/devnode/faults.js';

/** The processes that are there to be killed. */
export type Target =
  | 'chunk worker'
  | 'workflow worker'
  | 'apart worker'
  | 'up'
  | 'temporal server'
  | 'node'
  /** Of a stack on PostgreSQL. */
  | 'worker command'
  | 'postgres';

export type Damage =
  | 'flip chunk'
  | 'cut chunk'
  | 'remove chunk'
  | 'remove proof'
  | 'flip receipt'
  | 'remove receipt'
  | 'leave part';

/** One thing that goes wrong. */
export type Strike =
  /** kill -9. Whoever supervises the process starts it again; of `up` and the node that is us. */
  | { kind: 'kill'; target: Target }
  /** SIGSTOP, then SIGCONT unless it was killed meanwhile. */
  | { kind: 'stop'; target: Target; seconds: number }
  /** Gone for a while: the node is not started again, the server's port is taken by what never answers. */
  | { kind: 'outage'; target: 'temporal server' | 'node' | 'postgres'; seconds: number }
  | { kind: 'node'; fault: FaultInput; seconds: number }
  /** Of the link between workers and node. */
  | { kind: 'link'; mode: 'stall' | 'cut' | 'throttle'; seconds: number }
  | { kind: 'storage'; mode: 'full' | 'read-only' | 'away'; seconds: number }
  /** To a file of a backup that is not committed yet. */
  | { kind: 'damage'; mode: Damage };

export type ChaosEvent = Strike & {
  number: number;
  /** Milliseconds after the start. */
  at: number;
};

export interface PlanOptions {
  seed: number;
  seconds: number;
  /** Kills of each of these processes. */
  kills: number;
  targets: readonly Target[];
  /** Further strikes, by the weights of the mix. */
  others: number;
  /** Names of what is left out: what this place does not allow, for one. */
  without?: readonly string[];
  /** Stops and outages take minutes. */
  long?: boolean;
}

/** Nothing happens before the first bytes are stored. */
const QUIET_MS = 4_000;

type Draw = (random: Random, long: boolean, targets: readonly Target[]) => Strike;

const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)]!;
const seconds = (random: Random, long: boolean, most: number) =>
  long && random.below(4) === 0 ? 60 + random.below(180) : 1 + random.below(most);
const nodeFault =
  (kind: FaultInput['kind'], percent: number): Draw =>
  (random) => {
    const fault = { kind, probability: (percent * (50 + random.below(100))) / 10_000 };
    return { kind: 'node', fault, seconds: 4 + random.below(8) };
  };
const damage: Draw = (random) => ({
  kind: 'damage',
  mode: pick(random, [
    ...(['flip chunk', 'flip chunk', 'cut chunk', 'remove chunk', 'remove proof'] as const),
    ...(['flip receipt', 'remove receipt', 'leave part'] as const),
  ]),
});

/**
 * The mix beside the kills that are asked for, after FoundationDB's simulation: errors, throttles,
 * delays, corruption, kills, restarts, each by its weight. Faults of different kinds overlap.
 */
export const MIX: Record<string, { weight: number; draw: Draw }> = {
  // Errors
  'node error500': { weight: 5, draw: nodeFault('error500', 15) },
  'node refuse': { weight: 5, draw: nodeFault('refuse', 15) },
  'node cut': { weight: 6, draw: nodeFault('cut', 15) },
  'link cut': {
    weight: 7,
    draw: (random) => ({ kind: 'link', mode: 'cut', seconds: 1 + random.below(4) }),
  },
  // Throttles
  'node slow': { weight: 4, draw: nodeFault('slow', 30) },
  'link throttle': {
    weight: 4,
    draw: (random) => ({ kind: 'link', mode: 'throttle', seconds: 3 + random.below(6) }),
  },
  // Delays
  'node stall': { weight: 3, draw: nodeFault('stall', 3) },
  'link stall': {
    weight: 6,
    draw: (random, long) => ({ kind: 'link', mode: 'stall', seconds: seconds(random, long, 6) }),
  },
  stop: {
    weight: 9,
    draw: (random, long, targets) => ({
      kind: 'stop',
      target: pick(random, targets),
      seconds: seconds(random, long, 6),
    }),
  },
  // Corruption, on the way and at rest
  'node flip': { weight: 4, draw: nodeFault('flip', 6) },
  'node short': { weight: 3, draw: nodeFault('short', 6) },
  'node long': { weight: 3, draw: nodeFault('long', 6) },
  'node swap': { weight: 3, draw: nodeFault('swap', 6) },
  'node lie': { weight: 2, draw: nodeFault('lie', 4) },
  damage: { weight: 9, draw: damage },
  // Kills at random, beside those that are asked for
  kill: {
    weight: 10,
    draw: (random, _, targets) => ({ kind: 'kill', target: pick(random, targets) }),
  },
  // Restarts of what everything depends on
  'outage temporal server': {
    weight: 4,
    draw: (random, long) => ({
      kind: 'outage',
      target: 'temporal server',
      seconds: seconds(random, long, 8),
    }),
  },
  'outage postgres': {
    weight: 4,
    draw: (random, long) => ({
      kind: 'outage',
      target: 'postgres',
      seconds: seconds(random, long, 8),
    }),
  },
  'outage node': {
    weight: 5,
    draw: (random, long) => ({
      kind: 'outage',
      target: 'node',
      seconds: seconds(random, long, 8),
    }),
  },
  // The disk
  'storage full': {
    weight: 4,
    draw: (random, long) => ({ kind: 'storage', mode: 'full', seconds: seconds(random, long, 6) }),
  },
  'storage read-only': {
    weight: 3,
    draw: (random, long) => ({
      kind: 'storage',
      mode: 'read-only',
      seconds: seconds(random, long, 6),
    }),
  },
  'storage away': {
    weight: 3,
    draw: (random, long) => ({ kind: 'storage', mode: 'away', seconds: seconds(random, long, 6) }),
  },
};

/** The same options give the same plan: one strike after another, at times of their own. */
export function planChaos(options: PlanOptions): ChaosEvent[] {
  const { seed, targets, long = false, without = [] } = options;
  const random = new Random(seed);
  const allowed = (strike: Strike) => ![...namesOf(strike)].some((name) => without.includes(name));
  const kills = targets.flatMap((target) =>
    Array.from({ length: options.kills }, (): Strike => ({ kind: 'kill', target })),
  );
  const rows = rowsFor(targets, without);
  const total = rows.reduce((sum, [, { weight }]) => sum + weight, 0);
  const others: Strike[] = [];
  // Every row once before any twice, as far as there is room: a short run has seen each kind.
  const first = shuffled(rows, random);
  while (others.length < options.others) {
    const [, row] = first.shift() ?? weighted(rows, random.below(total));
    const strike = row.draw(random, long, targets);
    if (allowed(strike)) others.push(strike);
  }
  const strikes = shuffled([...kills, ...others], random);
  const step = (options.seconds * 1000 - QUIET_MS) / Math.max(1, strikes.length);
  return strikes.map((strike, i) => ({
    ...strike,
    number: i + 1,
    at: Math.round(QUIET_MS + (i + random.below(1000) / 1000) * step),
  }));
}

function rowsFor(targets: readonly Target[], without: readonly string[]) {
  const absent = targets.includes('postgres') ? [] : ['outage postgres'];
  return Object.entries(MIX).filter(([name]) => ![...absent, ...without].includes(name));
}

/** Kinds of the mix that a run on these processes has. */
export function kindsFor(targets: readonly Target[], without: readonly string[]): string[] {
  return rowsFor(targets, without).map(([name]) => name);
}

/** What a strike is called where some are left out: `kill`, `kill up`, `storage away`, `node lie`, ... */
export function* namesOf(strike: Strike): Generator<string> {
  yield strike.kind;
  if ('target' in strike) yield `${strike.kind} ${strike.target}`;
  if ('mode' in strike) yield `${strike.kind} ${strike.mode}`;
  if ('fault' in strike) yield `${strike.kind} ${strike.fault.kind}`;
}

export function describeStrike(strike: Strike): string {
  switch (strike.kind) {
    case 'kill':
      return `kill -9 ${strike.target}`;
    case 'stop':
      return `SIGSTOP ${strike.target} for ${strike.seconds} s`;
    case 'outage':
      return `${strike.target} gone for ${strike.seconds} s`;
    case 'node': {
      const percent = Math.round((strike.fault.probability ?? 1) * 1000) / 10;
      return `node: ${strike.fault.kind} in ${percent} % of answers for ${strike.seconds} s`;
    }
    case 'link':
      return `link: ${strike.mode} for ${strike.seconds} s`;
    case 'storage':
      return `storage ${strike.mode} for ${strike.seconds} s`;
    case 'damage':
      return `damage: ${strike.mode}`;
  }
}

function weighted<T extends [string, { weight: number }]>(rows: readonly T[], at: number): T {
  let left = at;
  for (const row of rows) {
    left -= row[1].weight;
    if (left < 0) return row;
  }
  return rows.at(-1)!;
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
