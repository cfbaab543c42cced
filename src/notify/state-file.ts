import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { LEVELS, type NotificationWay } from '../contract/answers/shown-answers.js';
import { replaceFile } from '../lib/host/replace-file.js';
import { digestId } from '../storage/storage-id.js';
import type { Alarms, Told } from './alarms.js';

/** A process that tells alarms writes its file at least so often. */
export const WRITTEN_EVERY_MS = 60_000;
/** A file that was not written for so long is of a process that ended, or that tells nothing any more. */
const STALE_MS = 5 * WRITTEN_EVERY_MS;

const ms = v.number();
const level = v.picklist(LEVELS);
const state = v.object({
  version: v.literal(1),
  /** When it was written. */
  at: v.optional(ms),
  alarms: v.record(
    v.string(),
    v.object({
      ...{ level, text: v.string(), since: ms, seen: ms, levelSince: ms },
      gone: v.optional(ms),
    }),
  ),
  ways: v.record(
    v.string(),
    v.object({
      told: v.record(v.string(), v.object({ level, text: v.string(), since: ms, at: ms })),
      way: v.picklist(['webhook', 'command']),
      to: v.string(),
      delivered_at: v.optional(v.string()),
      failing_since: v.optional(v.string()),
      why: v.optional(v.string()),
    }),
  ),
});

/** What outlives a process: which alarms there are, and what each way has told. Ways by their id. */
export interface NotifyState {
  alarms: Alarms;
  ways: Record<string, NotificationWay & { told: Told }>;
}

/** The file of a coordinator's notifications in a data folder. */
export function stateFileOf(dataFolder: string, workflowId: string): string {
  // The middle part names the storage, and is safe in a path.
  const name =
    workflowId
      .split('/')
      .at(-2)
      ?.replace(/[^\w.-]/g, '-') ?? '';
  return path.join(dataFolder, 'notifications', `${name}-${digestId(workflowId)}.json`);
}

/** What the file says. Empty when there is none; `damaged` when it cannot be used. Never throws. */
export function readState(
  file: string,
): NotifyState & { at?: number | undefined; damaged?: string } {
  try {
    return v.parse(state, JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const none = { alarms: {}, ways: {} };
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return none;
    return { ...none, damaged: (error as Error).message.split('\n')[0]! };
  }
}

/** Puts a whole new file into the place of the old one. @throws the error of the file system */
export function writeState(file: string, { alarms, ways }: NotifyState): void {
  replaceFile(file, JSON.stringify({ version: 1, at: Date.now(), alarms, ways }));
}

/** How the ways of a coordinator's notifications do, as a data folder says; undefined when nobody sends any now. */
export function storedWays(dataFolder: string, workflowId: string): NotificationWay[] | undefined {
  const { at = 0, ways: stored } = readState(stateFileOf(dataFolder, workflowId));
  if (Math.abs(Date.now() - at) > STALE_MS) return undefined;
  const ways = Object.values(stored);
  return ways.length === 0 ? undefined : ways.map(({ told: _, ...way }) => way);
}
