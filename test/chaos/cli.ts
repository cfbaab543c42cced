/** `npm run chaos`: a long run of the chaos suite, with a seed of its own. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { findTemporal } from '../../src/temporal/binary/find-temporal.js';
import { describeStrike, planChaos } from './plan.js';
import { PostgresSystem } from './postgres/system.js';
import { reportLines } from './report.js';
import { runChaos } from './run.js';
import { UpSystem } from './system.js';
import { POSTGRES_TARGETS, UP_TARGETS } from './targets.js';

/** About how long one event takes, when nothing else says how long a run is. */
const SECONDS_EACH = 4;

const values = parseFlags();

const say = (line: string) => console.log(line);
const seed = whole('seed', values.seed ?? `${randomInt(1_000_000)}`);
const kills = whole('kills', values.kills);
const targets = values.postgres ? POSTGRES_TARGETS : UP_TARGETS;
const others = Math.max(30, kills * targets.length);
const seconds =
  values.minutes === undefined
    ? Math.round((kills * targets.length + others) * SECONDS_EACH)
    : whole('minutes', values.minutes) * 60;
const plan = (impossible: string[]) =>
  planChaos({
    ...{ seed, seconds, kills, targets, others, long: values['long-stops'] },
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
      ...{ seed, seconds, plan, say, signal: stopping.signal },
      build: async (options) =>
        values.postgres ? PostgresSystem.start(options, say) : new UpSystem(options),
    });
    say(`\nEverything held, seed ${seed}:`);
    for (const line of reportLines(report)) say(line);
  } catch (error) {
    say(`\nFAILED: ${(error as Error).message}\nAgain: ${again}`);
    process.exitCode = 1;
  }
  process.exit(); // strikes that were under way when it failed are waited for by nobody
}

function parseFlags() {
  try {
    return parseArgs({
      options: {
        kills: { type: 'string', default: '5' },
        seed: { type: 'string' },
        minutes: { type: 'string' },
        'long-stops': { type: 'boolean', default: false },
        without: { type: 'string', multiple: true, default: [] },
        plan: { type: 'boolean', default: false },
        postgres: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    console.error(`${(error as Error).message}; the README lists the flags, under Chaos`);
    process.exit(2);
  }
}

function whole(name: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  console.error(`--${name} must be a whole number, not "${text}"`);
  process.exit(2);
}
