import { randomUUID, createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { UsageError, messageOf } from '../client/command-failure.js';
import type { Declared } from '../client/declared-schedules.js';
import { scheduleOf } from '../client/schedules.js';
import type { Config } from '../config/read-config.js';
import type { DeclaredSchedule } from '../config/schedules.js';
import type { CoordinatorInput } from '../contract/coordinator-input.js';
import { makeMissingSync } from '../lib/host/make-folders.js';
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

const ID = /^[0-9a-f-]{36}$/;

/**
 * By this mark a file knows later what it declared: of the data folder, which has an id, and of its path. Other files
 * of the host have other paths, and those of other hosts other data folders. @throws the error of the file system
 */
export function markOf({ path: file }: Config, folder: string): string {
  const place = path.join(folder, 'config-id');
  const id = readId(place) ?? makeId(folder, place);
  return createHash('sha256').update(`${id} ${file}`).digest('hex').slice(0, 32);
}

function readId(place: string): string | undefined {
  try {
    const id = readFileSync(place, 'utf8').trim();
    return ID.test(id) ? id : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Another process may do the same: the last one counts for both, from its next start on. */
function makeId(folder: string, place: string): string {
  makeMissingSync(folder);
  const id = randomUUID();
  const mine = `${place}.${id}`;
  writeFileSync(mine, `${id}\n`);
  renameSync(mine, place);
  return readId(place) ?? id;
}
