import { entryOf } from '../../errors/catalogue.js';
import { STORAGE_ERRORS } from '../../errors/codes/storage-codes.js';
import type { AlarmCode } from '../../errors/codes/alarms-codes.js';
import { failureCode, reasonOf } from '../workflow-failure.js';
import type { Memory } from './memory/memory.js';

const FIRST_REST_MS = 15_000;
const LONGEST_REST_MS = 10 * 60_000;

/** What everything depends on: the use of the storage, and the watch on the node. */
type Work = 'STORAGE' | 'WATCH';

/**
 * The alarm of a work that failed. The error decides who is to blame, not the work: a storage is claimed with the help
 * of a node, and the watch on a node renews the claim.
 */
function alarmOf(work: Work, error: unknown): AlarmCode {
  const code = failureCode(error);
  const { rest, fault } = entryOf(code);
  if (rest !== undefined) return work === 'WATCH' ? 'WATCH' : 'NODE';
  return fault === 'the storage' || Object.hasOwn(STORAGE_ERRORS, code) ? 'STORAGE' : work;
}

/**
 * The reason why no unit may start: something is wrong with the storage or the node. It raises an alarm.
 */
export class Hindrance {
  private alarm: AlarmCode | undefined;
  /** The alarm of each work that failed and has not succeeded since. */
  private readonly raised = new Map<Work, AlarmCode>();
  private restsUntil = 0;
  private readonly rests = new Map<string, number>();

  /** `begun` is called when a new reason appears. */
  constructor(
    private readonly memory: Memory,
    private readonly begun: () => void,
  ) {
    const { alarms, node } = memory.known;
    // Before a first look at the node, only the use of the storage can have raised it, in an earlier run.
    if (!node && alarms.some(({ code }) => code === 'NODE')) this.raised.set('STORAGE', 'NODE');
  }

  /** The alarm that tells the reason; undefined when units may start. */
  get why(): AlarmCode | undefined {
    return this.alarm;
  }

  /** Alarms that last until the work that raised them has succeeded. */
  get lasting(): readonly AlarmCode[] {
    return [...this.raised.values()];
  }

  /** Whether the last watch failed. */
  get watchFailed(): boolean {
    return this.raised.has('WATCH');
  }

  /** Milliseconds until the next try. Zero or less means: try now. */
  get restLeft(): number {
    return this.restsUntil - Date.now();
  }

  /** Records a failure. The next try comes after a rest, which doubles with each failure. */
  failed(work: Work, error: unknown): void {
    const rest = this.rests.get(work) ?? FIRST_REST_MS;
    this.rests.set(work, Math.min(rest * 2, LONGEST_REST_MS));
    this.restsUntil = Date.now() + rest;
    const alarm = alarmOf(work, error);
    if ((this.raised.get(work) ?? work) !== alarm) this.end(work);
    this.raised.set(work, alarm);
    this.begin(alarm, reasonOf(error));
  }

  /** Another coordinator has the storage. This one waits for it, without a rest. */
  heldBy(holder: string): void {
    this.begin(
      'LEASE',
      `${holder} works on this storage; this coordinator takes over when that one has ended`,
    );
  }

  claimed(): void {
    this.alarm = undefined;
    this.memory.alarmOver('LEASE');
  }

  over(work: Work): void {
    this.alarm = undefined;
    this.rests.delete(work);
    this.end(work);
  }

  endRest(): void {
    this.restsUntil = 0;
  }

  private begin(code: AlarmCode, reason: string): void {
    this.alarm = code;
    this.memory.alarmRaised(code, reason, Date.now());
    this.begun();
  }

  /** Ends the alarm of a work, unless the other work has raised it, too. An earlier run may have raised it. */
  private end(work: Work): void {
    const alarm = this.raised.get(work) ?? work;
    this.raised.delete(work);
    if (!this.lasting.includes(alarm)) this.memory.alarmOver(alarm);
  }
}
