import {
  DEFAULT_LIMITS,
  type Health,
  type HealthLimits,
  LEVELS,
  healthOf,
  healthWithout,
} from '../client/health.js';
import { Overseer } from '../client/overseer.js';
import { withCoordinator } from './coordinator.js';
import { Interrupted, UsageError, messageOf } from './failure.js';
import type { CommonFlags } from './options.js';

export interface CheckFlags {
  check?: boolean;
  warning?: string;
  critical?: string;
}

/** `status --check`: the worst that there is to tell, and its exit code: 0 ok, 1 warning, 2 critical. */
export async function checkStatus(
  flags: CommonFlags & CheckFlags,
  signal: AbortSignal,
): Promise<number> {
  const limits: HealthLimits = {
    ...DEFAULT_LIMITS,
    warning: seconds('--warning', flags.warning) ?? DEFAULT_LIMITS.warning,
    critical: seconds('--critical', flags.critical) ?? DEFAULT_LIMITS.critical,
  };
  const health = await healthNow(flags, limits, signal);
  const { level, reasons } = health;
  if (flags.json) console.log(JSON.stringify(health));
  else console.log([level.toUpperCase(), ...reasons.map(({ what }) => what)].join(': '));
  return LEVELS.indexOf(level);
}

/** A coordinator that cannot be asked is as bad as it gets. */
async function healthNow(
  flags: CommonFlags,
  limits: HealthLimits,
  signal: AbortSignal,
): Promise<Health> {
  try {
    const status = await withCoordinator(flags, signal, (client, workflowId) =>
      new Overseer(client, workflowId).read(),
    );
    return healthOf(status, limits, Date.now());
  } catch (error) {
    if (error instanceof UsageError || error instanceof Interrupted) throw error;
    return healthWithout(messageOf(error));
  }
}

function seconds(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new UsageError(`${flag} must be a whole number of seconds, not "${text}"`);
}
