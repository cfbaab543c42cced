import { statSync } from 'node:fs';
import type { Client } from '@temporalio/client';
import { messageOf } from '../client/command-failure.js';
import { type ScheduleDone, declareSchedules } from '../client/declared-schedules.js';
import { tellWorkflow } from '../client/tell-workflow.js';
import { ConfigError } from '../config/config-error.js';
import { type Config, readConfig } from '../config/read-config.js';
import { SETTINGS } from '../config/settings.js';
import {
  type CoordinatorInput,
  type SettingsChange,
  parseCoordinatorInput,
} from '../contract/coordinator-input.js';
import { UPDATE_CONFIGURE } from '../contract/messages.js';
import { ConfigHealth } from '../monitor/config-health.js';
import { type AppliedConfig, sourcesOf } from './applied-config.js';
import { inFlags } from './flag-names.js';
import { type CoordinatorFlags, coordinatorInput, givenInput } from './options.js';
import { say } from './say.js';
import { scheduleInput } from './schedule.js';

/** Longest time that the server may take to take over what has changed. The next look tries again. */
const APPLY_MS = 20_000;

/**
 * The configuration file of a command that follows a node. Each look compares it with what it was: what has changed goes
 * to the coordinator and into schedules. A file that cannot be used is told once, and the settings before it stay.
 */
export class LiveConfig {
  readonly health = new ConfigHealth();
  input: CoordinatorInput;
  /** Of the file as it was last read. The first look reads it anew: it may have changed while the server started. */
  private seen = '';
  /** What the coordinator and the schedules have not taken over yet. */
  private due: { change: SettingsChange; schedules: boolean } = { change: {}, schedules: true };
  private told = '';

  constructor(private readonly applied: AppliedConfig) {
    this.input = this.inputNow();
  }

  /** All settings: those that nothing gives get their defaults. */
  get change(): SettingsChange {
    const fields = SETTINGS.flatMap(({ field }) => (field && field !== 'node' ? [field] : []));
    const defaults = Object.fromEntries(fields.map((field) => [field, null]));
    return { ...defaults, ...givenInput(this.input, this.flags) };
  }

  /** A coordinator was begun or joined with all settings: of these, only schedules are due. */
  begun(): void {
    this.due = { change: {}, schedules: true };
  }

  /** Takes over what has changed in the file. Failures of the server are told, and tried again with the next look. */
  async look(client: Client, workflowId: string): Promise<void> {
    this.readAgain();
    const { change, schedules } = this.due;
    if (!schedules && Object.keys(change).length === 0) return;
    try {
      await client.withDeadline(Date.now() + APPLY_MS, () => this.apply(client, workflowId));
      this.told = '';
    } catch (error) {
      this.tellOnce(`${this.name} is not taken over yet: ${messageOf(error)}`);
    }
  }

  private get flags(): CoordinatorFlags {
    return this.applied.flags<CoordinatorFlags>();
  }

  private get name(): string {
    return this.applied.config.file;
  }

  private readAgain(): void {
    const stamp = stampOf(this.applied.config);
    if (stamp === this.seen) return;
    this.seen = stamp;
    const before = this.applied.config;
    try {
      const config = readConfig(before.path);
      if (config.text !== before.text) this.take({ ...config, file: before.file });
      else if (this.health.problem !== undefined) tell(`${before.file} is as before again`);
      this.health.problem = undefined;
    } catch (error) {
      this.refuse(before, error);
    }
  }

  private take(config: Config): void {
    const { change, applied } = this;
    const old = { fields: new Map<string, unknown>(Object.entries(change)), all: this.fixed() };
    applied.use(config);
    this.input = this.inputNow(this.input);
    const other = Object.entries(this.change).filter(([name, value]) => {
      return !isSame(old.fields.get(name), value);
    });
    Object.assign(this.due.change, Object.fromEntries(other));
    this.due.schedules = true;
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

  private async apply(client: Client, workflowId: string): Promise<void> {
    const { due } = this;
    if (Object.keys(due.change).length > 0) {
      const answer = await tellWorkflow<string>(client, workflowId, UPDATE_CONFIGURE, due.change);
      due.change = {};
      tell(`Settings ${inFlags(answer)}`);
    }
    if (!due.schedules) return;
    const { schedules } = this.applied.config;
    const declared = schedules.map(({ kind, every, own }) => {
      const input = scheduleInput(this.input, own);
      return every === undefined ? { kind, input } : { kind, input, every };
    });
    const done = await declareSchedules(client, this.input.storage, declared);
    due.schedules = false;
    for (const one of done) tell(describeDone(one), one.what === 'by hand' ? 'warn' : 'info');
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

  private tellOnce(text: string): void {
    if (text !== this.told) tell(text, 'warn');
    this.told = text;
  }
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

/** Changes whenever the file may have changed. */
function stampOf({ path }: Config): string {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    return (error as Error).message;
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
