import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { messageOf } from '../client/command-failure.js';
import { type ScheduleDone, declareSchedules, removeFormer } from '../client/declared-schedules.js';
import { SCHEDULE_KINDS } from '../client/schedules.js';
import { tellWorkflow } from '../client/tell-workflow.js';
import { ConfigError } from '../config/config-error.js';
import { placeIn } from '../config/place.js';
import type { Config } from '../config/read-config.js';
import { SETTINGS } from '../config/settings.js';
import {
  type CoordinatorInput,
  type SettingsChange,
  parseCoordinatorInput,
} from '../contract/coordinator-input.js';
import { UPDATE_CONFIGURE } from '../contract/messages.js';
import { isSamePlace, storageName } from '../contract/storage-name.js';
import { dataFolder } from '../lib/host/data-folder.js';
import { ConfigHealth } from '../monitor/config-health.js';
import { type AppliedConfig, sourcesOf } from './applied-config.js';
import { ConfigWatch } from './config-watch.js';
import { declaredOf, markOf } from './declared.js';
import { inFlags } from './flag-names.js';
import { type CoordinatorFlags, coordinatorInput, givenInput } from './options.js';
import { say } from './say.js';
import { storageOf } from './storage-options.js';

/** Longest time that the server may take to take over what has changed. The next look tries again. */
const APPLY_MS = 20_000;

/** Parts that are applied by themselves, beside the schedule of each kind. */
const SETTINGS_PART = 'settings';
const FORMER_PART = 'former_schedules';

interface Due {
  change: SettingsChange;
  /** The server takes a change that is sent again for the same one. */
  changeId: string;
  /** Of schedules. */
  kinds: readonly string[];
  /** Whether to look for schedules of storages that the file no longer names. */
  former: boolean;
}

/**
 * The configuration file of a command that follows a node. Each look compares it with what it was: what has changed goes
 * to the coordinator and into schedules, each by itself. What could not be applied is in the health for as long as it
 * lasts, and is tried again. A file that cannot be used is told once, and the settings before it stay.
 */
export class LiveConfig {
  readonly health = new ConfigHealth();
  input: CoordinatorInput;
  private readonly watch: ConfigWatch;
  /** What the coordinator and the schedules have not taken over yet. */
  private due = dueOf({});
  /** By which the file knows later what it declared. Without one, it does not know what it did for other storages. */
  private readonly mark: string | undefined;

  constructor(private readonly applied: AppliedConfig) {
    this.watch = new ConfigWatch(applied.config.path);
    this.input = this.inputNow();
    this.mark = this.markNow();
  }

  /** All settings: those that nothing gives get their defaults. */
  get change(): SettingsChange {
    const fields = SETTINGS.flatMap(({ field }) => (field && field !== 'node' ? [field] : []));
    const defaults = Object.fromEntries(fields.map((field) => [field, null]));
    return { ...defaults, ...givenInput(this.input, this.flags) };
  }

  /** A coordinator was begun or joined with all settings: of these, only schedules are due. */
  begun(): void {
    this.due = dueOf({});
    this.works(SETTINGS_PART);
  }

  /** Takes over what has changed in the file. What fails is told, and tried again with the next look. */
  async look(client: Client, workflowId: string, signal?: AbortSignal): Promise<void> {
    await this.readAgain();
    const timed = async (part: string, work: () => Promise<void>) => {
      try {
        await client.withDeadline(Date.now() + APPLY_MS, work);
        this.works(part);
      } catch (error) {
        if (!signal?.aborted) this.fails(part, error);
      }
    };
    // At once: what one of them waits for takes no time from the others.
    await Promise.all([
      timed(SETTINGS_PART, () => this.applySettings(client, workflowId)),
      timed(FORMER_PART, () => this.removeFormer(client)),
      client.withDeadline(Date.now() + APPLY_MS, () => this.applySchedules(client, signal)),
    ]);
  }

  private get flags(): CoordinatorFlags {
    return this.applied.flags<CoordinatorFlags>();
  }

  private get name(): string {
    return this.applied.config.file;
  }

  private async readAgain(): Promise<void> {
    const before = this.applied.config;
    try {
      const config = await this.watch.look();
      if (!config) return;
      if (config.text !== before.text) this.take({ ...config, file: before.file });
      else if (this.health.problem !== undefined) tell(`${before.file} is as before again`);
      this.health.problem = undefined;
    } catch (error) {
      this.refuse(before, error);
    }
  }

  private take(config: Config): void {
    const { change, applied, input } = this;
    const { config: before } = applied;
    const old = { fields: new Map<string, unknown>(Object.entries(change)), all: this.fixed() };
    applied.use(config);
    if (!isSamePlace(storageOf(this.flags), input.storage)) {
      // Its copy and its keep rules are meant for the other storage: here they would copy and retire what they must not.
      applied.use(before);
      const kept = `goes on with ${storageName(input.storage)} and the settings before`;
      return tell(
        `${config.file} names another storage: this process ${kept}; start it again for what is new`,
        'warn',
      );
    }
    this.input = this.inputNow(this.input);
    const other = Object.entries(this.change).filter(([name, value]) => {
      return !isSame(old.fields.get(name), value);
    });
    this.due = {
      ...dueOf({ ...this.due.change, ...Object.fromEntries(other) }),
      former: this.due.former,
    };
    tell(`${config.file} has changed`);
    const later = this.fixed().filter(([name, value]) => new Map(old.all).get(name) !== value);
    if (later.length === 0) return;
    const names = later.map(([name]) => name).join(', ');
    tell(`${names}: this process keeps what it has; start it again for what is new`, 'warn');
  }

  /** The settings that a process takes when it starts, with their values. */
  private fixed(): (readonly [string, string])[] {
    return sourcesOf(this.applied.command).flatMap(({ name, value }) => {
      return isFixed(name) ? [[name, value] as const] : [];
    });
  }

  /** Something is wrong with the file, with its settings together with the flags, or with how we read it. */
  private refuse(before: Config, error: unknown): void {
    const problems = error instanceof ConfigError ? error.problems : [inFlags(messageOf(error))];
    this.applied.use(before);
    this.health.problem = problems[0];
    for (const problem of problems) tell(problem, 'warn');
    tell(`${before.file} cannot be used; the settings before it stay`, 'warn');
  }

  private async applySettings(client: Client, workflowId: string): Promise<void> {
    const { due } = this;
    if (Object.keys(due.change).length === 0) return;
    const answer = await tellWorkflow<string>(
      client,
      workflowId,
      UPDATE_CONFIGURE,
      due.change,
      due.changeId,
    );
    due.change = {};
    tell(`Settings ${inFlags(answer)}`);
  }

  private async applySchedules(client: Client, signal?: AbortSignal): Promise<void> {
    const { due, input, mark } = this;
    if (due.kinds.length === 0) return;
    const declared = this.applied.config.schedules.map((one) => declaredOf(one, input));
    const asked = { declared, kinds: due.kinds, by: mark };
    const done = await declareSchedules(client, input.storage, asked);
    if (signal?.aborted) return;
    due.kinds = done.flatMap(({ kind, what }) => (isOpen(what) ? [kind] : []));
    for (const one of done) {
      if (one.what === 'by hand') this.notes(one.kind, describeDone(one));
      else if (one.what === 'failed') this.fails(one.kind, one.error);
      else {
        if (one.what !== 'right') tell(describeDone(one));
        this.works(one.kind);
      }
    }
  }

  /** Only a start can take another storage, so this is due once. */
  private async removeFormer(client: Client): Promise<void> {
    const { due, input, mark } = this;
    const named = this.applied.config.given.get('storage')?.value;
    // The file may have changed since this process began: then its next start sees to it.
    const isNamed = typeof named === 'string' && isSamePlace(placeIn('/', named), input.storage);
    if (due.former && isNamed && mark !== undefined) {
      for await (const one of removeFormer(client, input.storage, mark)) {
        tell(`${describeDone(one)}: ${this.name} names its storage no longer`);
      }
    }
    due.former = false;
  }

  /** A storage that a flag names is none of the file: other processes may have other storages with the same file. */
  private markNow(): string | undefined {
    const { command, config } = this.applied;
    const isOfFile = sourcesOf(command).some(
      ({ name, source }) => name === 'storage' && source === 'file',
    );
    if (!isOfFile) return undefined;
    try {
      return markOf(config, dataFolder(this.flags.dataDir));
    } catch (error) {
      const later = 'schedules of a storage that it no longer names will not be removed';
      tell(
        `${config.file} gets no mark in the data folder, so ${later}: ${messageOf(error)}`,
        'warn',
      );
      return undefined;
    }
  }

  /** What a running coordinator cannot change stays as in `before`. */
  private inputNow(before?: CoordinatorInput): CoordinatorInput {
    const { flags } = this;
    const input = coordinatorInput(flags);
    if (before) {
      input.storage = before.storage;
      if (flags.backupServiceAddress === undefined) input.node = before.node;
    }
    parseCoordinatorInput(input);
    return input;
  }

  private fails(part: string, error: unknown): void {
    const why = inFlags(messageOf(error));
    this.notes(part, `${this.name}: ${nameOf(part)} not applied yet: ${why}`);
  }

  private notes(part: string, text: string): void {
    const { notApplied } = this.health;
    if (notApplied.get(part) !== text) tell(text, 'warn');
    notApplied.set(part, text);
  }

  private works(part: string): void {
    if (this.health.notApplied.delete(part)) tell(`${this.name}: ${nameOf(part)} applied now`);
  }
}

/** What is the matter with a part: its name and the verb. */
function nameOf(part: string): string {
  if (part === SETTINGS_PART) return 'the settings are';
  return part === FORMER_PART
    ? 'the removal of schedules of former storages is'
    : `schedule ${part} is`;
}

/** Whether to look at a schedule again: it may work later, and one that was made by hand may be deleted. */
function isOpen(what: ScheduleDone['what']): boolean {
  return what === 'failed' || what === 'by hand';
}

function tell(text: string, level: 'info' | 'warn' = 'info'): void {
  say(text, level, { event: 'config' });
}

/** Keep rules go into schedules. */
function isFixed(name: string): boolean {
  const field = SETTINGS.find((one) => one.name === name)?.field;
  return field === undefined && !name.startsWith('retention.');
}

function describeDone({ id, what }: ScheduleDone): string {
  if (what !== 'by hand') return `Schedule ${id} ${what}`;
  return `Schedule ${id} was made by hand and stays as it is; for that of the file, delete it: aptos-backup schedule delete ${id}`;
}

function dueOf(change: SettingsChange): Due {
  return { change, changeId: randomUUID(), kinds: SCHEDULE_KINDS, former: true };
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
