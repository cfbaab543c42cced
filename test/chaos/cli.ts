/** `npm run chaos`: a long run of the chaos suite, with a seed of its own. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { FaultInput } from '../../src/devnode/faults.js';
import { findTemporal } from '../../src/temporal-server/binary/find-temporal.js';
import { type StorageKind, describeStrike, planChaos } from './plan.js';
import { PROFILES } from './profiles.js';
import { PostgresSystem } from './postgres/system.js';
import { reportLines } from './report.js';
import { runChaos } from './run.js';
import { UpSystem } from './system.js';
import { POSTGRES_TARGETS, UP_TARGETS } from './targets.js';

/** About how long one event takes, if nothing else sets the length of the run. */
const SECONDS_EACH = 4;

const values = parseFlags();

const say = (line: string) => console.log(line);
const seed = whole('seed', values.seed ?? `${randomInt(1_000_000)}`);
const profile = profileOf(values.profile);
// The faults of a profile are enough if no kills are asked for.
const kills = whole('kills', values.kills ?? (profile ? '0' : '5'));
const storage = storageOf(values.storage);
const targets = values.postgres ? POSTGRES_TARGETS : UP_TARGETS;
const others = profile && kills === 0 ? 0 : Math.max(30, kills * targets.length);
const seconds =
  values.minutes === undefined
    ? Math.max(120, Math.round((kills * targets.length + others) * SECONDS_EACH))
    : whole('minutes', values.minutes) * 60;
const plan = (impossible: string[]) =>
  planChaos({
    ...{ seed, seconds, kills, targets, storage, others, long: values['long-stops'] },
    without: [...impossible, ...values.without],
  });

if (values.plan) {
  for (const event of plan([])) {
    say(`${(event.at / 1000).toFixed(1).padStart(8)} s  ${event.number}. ${describeStrike(event)}`);
  }
} else {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort());
  process.env['TEMPORAL_CLI_PATH'] = await findTemporal({ say });
  const again = `npm run chaos -- ${process.argv.slice(2).join(' ')}${values.seed === undefined ? ` --seed ${seed}` : ''}`;
  try {
    const report = await runChaos({
      ...{ seed, seconds, storage, plan, say, signal: stopping.signal },
      ...(profile ? { throughout: profile } : {}),
      build: async (options) =>
        values.postgres ? PostgresSystem.start(options, say) : new UpSystem(options),
    });
    say(`\nEverything held, seed ${seed}:`);
    for (const line of reportLines(report)) say(line);
  } catch (error) {
    say(`\nFAILED: ${(error as Error).message}\nAgain: ${again}`);
    process.exitCode = 1;
  }
  process.exit(); // exit without waiting for strikes that still ran when it failed
}

function parseFlags() {
  try {
    return parseArgs({
      options: {
        kills: { type: 'string' },
        profile: { type: 'string' },
        storage: { type: 'string', default: 'folder' },
        seed: { type: 'string' },
        minutes: { type: 'string' },
        'long-stops': { type: 'boolean', default: false },
        without: { type: 'string', multiple: true, default: [] },
        plan: { type: 'boolean', default: false },
        postgres: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    console.error(`${(error as Error).message}; docs/testing.md lists the flags`);
    process.exit(2);
  }
}

function profileOf(name: string | undefined): readonly FaultInput[] | undefined {
  if (name === undefined) return undefined;
  const known: Record<string, readonly FaultInput[]> = PROFILES;
  if (known[name]) return known[name];
  console.error(`--profile must be one of ${Object.keys(known).join(', ')}, not "${name}"`);
  process.exit(2);
}

function storageOf(name: string): StorageKind {
  if (name === 'folder' || name === 's3') return name;
  console.error(`--storage must be folder or s3, not "${name}"`);
  process.exit(2);
}

function whole(name: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  console.error(`--${name} must be a whole number, not "${text}"`);
  process.exit(2);
}
