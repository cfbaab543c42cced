import type { AlarmCode } from '../../errors/codes/alarms-codes.js';
import type { Memory } from './memory/memory.js';

const FIRST_REST_MS = 15_000;
const LONGEST_REST_MS = 10 * 60_000;

/**
 * The reason why no unit may start: something is wrong with the storage or the node. It raises an alarm.
 */
export class Hindrance {
  private reason: string | undefined;
  private restsUntil = 0;
  private readonly rests = new Map<string, number>();

  /** `begun` is called when a new reason appears. */
  constructor(
    private readonly memory: Memory,
    private readonly begun: () => void,
  ) {}

  /** The reason; undefined when units may start. */
  get why(): string | undefined {
    return this.reason;
  }

  /** Milliseconds until the next try. Zero or less means: try now. */
  get restLeft(): number {
    return this.restsUntil - Date.now();
  }

  /** Records a failure. The next try comes after a rest, which doubles with each failure. */
  failed(code: AlarmCode, reason: string): void {
    const rest = this.rests.get(code) ?? FIRST_REST_MS;
    this.rests.set(code, Math.min(rest * 2, LONGEST_REST_MS));
    this.restsUntil = Date.now() + rest;
    this.begin(code, reason);
  }

  /** Another coordinator has the storage. This one waits for it, without a rest. */
  heldBy(holder: string): void {
    this.begin(
      'LEASE',
      `${holder} works on this storage; this coordinator takes over when that one has ended`,
    );
  }

  over(code: AlarmCode): void {
    this.reason = undefined;
    this.rests.delete(code);
    this.memory.alarmOver(code);
  }

  endRest(): void {
    this.restsUntil = 0;
  }

  private begin(code: AlarmCode, reason: string): void {
    this.reason = reason;
    this.memory.alarmRaised(code, reason, Date.now());
    this.begun();
  }
}
