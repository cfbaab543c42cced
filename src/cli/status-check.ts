import type { Command } from 'commander';
import { DEFAULT_LIMITS, type HealthLimits, healthOf, healthWithout } from '../monitor/health.js';
import { Overseer } from '../client/overseer.js';
import { withCoordinator } from './coordinator-commands.js';
import { Interrupted, UsageError, messageOf } from '../client/command-failure.js';
import { withNotifications } from './notification-status.js';
import type { CommonFlags } from './options.js';
import { type Health, LEVELS } from '../contract/answers/shown-answers.js';
import { inSeconds } from '../lib/time-units.js';

export interface CheckFlags {
  check?: boolean;
  warning?: string;
  critical?: string;
  verifiedWithin?: string;
  copiedWithin?: string;
}

/** Flags of `status --check`. */
export function addCheckOptions(command: Command): Command {
  return command
    .option('--check', 'one line for monitoring; exit code 0 ok, 1 warning, 2 critical')
    .option(
      '--warning <S>',
      'warn when a stream with due data makes no progress for S seconds (default: 3600)',
    )
    .option(
      '--critical <S>',
      'critical when a stream with due data makes no progress for S seconds (default: 21600)',
    )
    .option(
      '--verified-within <TIME>',
      'warn when the whole storage was not verified within this time (default: 7d)',
    )
    .option(
      '--copied-within <TIME>',
      'warn when the second storage was not in step within this time (default: 6h)',
    );
}

/**
 * `status --check`: prints the worst state there is. Its exit code is 0 for ok, 1 for warning, 2 for
 * critical.
 */
export async function checkStatus(
  flags: CommonFlags & CheckFlags,
  signal: AbortSignal,
): Promise<number> {
  const limits: HealthLimits = {
    ...DEFAULT_LIMITS,
    warning: seconds('--warning', flags.warning) ?? DEFAULT_LIMITS.warning,
    critical: seconds('--critical', flags.critical) ?? DEFAULT_LIMITS.critical,
    ...(flags.verifiedWithin === undefined
      ? {}
      : {
          verifiedWithin: timeOf('--verified-within', flags.verifiedWithin),
          verifiedAsked: true as const,
        }),
    ...(flags.copiedWithin === undefined
      ? {}
      : { copiedWithin: timeOf('--copied-within', flags.copiedWithin) }),
  };
  const health = await healthNow(flags, limits, signal);
  const { level, reasons } = health;
  if (flags.json) console.log(JSON.stringify(health));
  else console.log([level.toUpperCase(), ...reasons.map(({ what }) => what)].join(': '));
  return LEVELS.indexOf(level);
}

/** A coordinator that does not answer counts as critical. */
async function healthNow(
  flags: CommonFlags,
  limits: HealthLimits,
  signal: AbortSignal,
): Promise<Health> {
  try {
    const status = await withCoordinator(flags, signal, (client, workflowId) =>
      new Overseer(client, workflowId).read().then(withNotifications(flags, workflowId)),
    );
    return healthOf(status, limits, Date.now());
  } catch (error) {
    if (error instanceof UsageError || error instanceof Interrupted) throw error;
    return healthWithout(messageOf(error));
  }
}

/** Parses "7d", "12h", or seconds. */
function timeOf(flag: string, text: string): number {
  const [, count, unit = 's'] = /^([1-9][0-9]{0,8})([smhd])?$/.exec(text) ?? [];
  if (count !== undefined) return inSeconds(count, unit);
  throw new UsageError(`${flag} must be seconds or a time like 12h or 7d, not "${text}"`);
}

function seconds(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new UsageError(`${flag} must be a whole number of seconds, not "${text}"`);
}
