import { UsageError, messageOf } from '../client/command-failure.js';
import type { Declared } from '../client/declared-schedules.js';
import { scheduleOf } from '../client/schedules.js';
import type { Config } from '../config/read-config.js';
import type { DeclaredSchedule } from '../config/schedules.js';
import type { CoordinatorInput } from '../contract/coordinator-input.js';
import { inFlags } from './flag-names.js';
import { scheduleInput } from './schedule.js';

/** A schedule of a file, with the settings that flags and file give together. */
export function declaredOf(
  { kind, every, own }: DeclaredSchedule,
  input: CoordinatorInput,
): Declared {
  const declared = { kind, input: scheduleInput(input, own) };
  return every === undefined ? declared : { ...declared, every };
}

/** Checks a schedule of a file together with what flags say. @throws UsageError */
export function checkDeclared(
  { file }: Config,
  schedule: DeclaredSchedule,
  input: CoordinatorInput,
): void {
  const { kind, input: own, every } = declaredOf(schedule, input);
  try {
    scheduleOf(kind, own, every);
  } catch (error) {
    const why = inFlags(messageOf(error));
    throw new UsageError(`${file}, line ${schedule.line}: schedule ${kind}: ${why}`);
  }
}
