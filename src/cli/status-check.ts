import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import {
  DEFAULT_LIMITS,
  type HealthLimits,
  healthOf,
  healthWithout,
  worstOf,
} from '../monitor/health.js';
import { Overseer } from '../client/overseer.js';
import { findCoordinators } from '../client/followed.js';
import { ConfigError } from '../config/config-error.js';
import { withCoordinator, withWorkflows } from './coordinator-commands.js';
import { Interrupted, UsageError, messageOf } from '../client/command-failure.js';
import { withNotifications } from './notification-status.js';
import type { CommonFlags } from './options.js';
import { namesStorage } from './storage-options.js';
import { print } from './print.js';
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
    .option('--check', 'one line for monitoring; exit code 0 ok, 1 warning, 2 critical, 3 unknown')
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

/** The exit code of monitoring plugins for a check that could not be made. */
const UNKNOWN = 3;

/**
 * `status --check`: prints the worst state there is, of the storage that was named, or of all that are followed. Its
 * exit code is 0 for ok, 1 for warning, 2 for critical; 3, when the check cannot be made.
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
  if (flags.json) print(JSON.stringify(health));
  else
    print(
      inOneLine(
        level,
        reasons.map(({ what }) => what),
      ),
    );
  return LEVELS.indexOf(level);
}

function inOneLine(level: string, reasons: readonly string[]): string {
  const word = level.toUpperCase();
  return reasons.length === 0 ? word : `${word}: ${reasons.join('; ')}`;
}

/** A check that could not be made, as with a mistake in the configuration: monitoring plugins call that unknown. */
export function tellUnknown(error: unknown, inWords: (message: string) => string): number {
  const reasons =
    error instanceof ConfigError
      ? error.problems
      : [inWords(messageOf(error).replace(/^error: /, ''))];
  print(inOneLine('unknown', reasons));
  return UNKNOWN;
}

/** Whether the command line asks for a check. A mistake may end the command before its flags are known. */
export function asksForCheck(args: readonly string[]): boolean {
  return args.includes('status') && args.includes('--check');
}

/** A coordinator that does not answer counts as critical. */
async function healthNow(
  flags: CommonFlags,
  limits: HealthLimits,
  signal: AbortSignal,
): Promise<Health> {
  const healthAt = async (client: Client, workflowId: string) => {
    const read = await new Overseer(client, workflowId).read();
    const status = withNotifications(flags, workflowId)(read);
    return { storage: status.storage, health: healthOf(status, limits, Date.now()) };
  };
  try {
    if (namesStorage(flags)) {
      return (await withCoordinator(flags, signal, healthAt)).health;
    }
    return await withWorkflows(flags, signal, findCoordinators, async (client, workflowIds) => {
      const [only, ...more] = workflowIds;
      if (more.length === 0) return (await healthAt(client, only!)).health;
      const all = workflowIds.map((id) =>
        healthAt(client, id).catch((error: unknown) => {
          return { storage: id, health: healthWithout(messageOf(error)) };
        }),
      );
      return healthOfAll(await Promise.all(all));
    });
  } catch (error) {
    if (error instanceof UsageError || error instanceof Interrupted) throw error;
    return healthWithout(messageOf(error));
  }
}

/** The worst of several storages counts. Each reason names the storage. */
export function healthOfAll(all: readonly { storage: string; health: Health }[]): Health {
  return worstOf(
    all.flatMap(({ storage, health }) =>
      health.reasons.map((reason) => ({ ...reason, what: `${storage}: ${reason.what}` })),
    ),
  );
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
