import type { NotificationWay } from '../contract/answers/shown-answers.js';
import {
  type Alarms,
  type Notice,
  type Patience,
  type Told,
  afterTelling,
  owed,
} from './alarms.js';
import type { Message } from './message.js';
import type { Way } from './way.js';

/** The first and the longest rest after a failed try. Each rest doubles. */
const REST_MS = 5_000;
const LONGEST_REST_MS = 10 * 60_000;
/** Alarms that begin one after the other are told together, at most so much later. */
const GATHER_MS = 30_000;
/** So many tries in a row fail before it counts as a failure. */
const FAILING_TRIES = 3;

/** How a teller makes a message, and whom it tells how it went. */
export interface Telling {
  patience: Patience;
  compose: (notices: Notice[]) => Message;
  /** Called after each try. */
  onTry: (outcome: Outcome) => void;
}

/** How a try ended. */
export interface Outcome {
  /** Why it failed; undefined when it did not. */
  why: string | undefined;
  /** How many tries in a row have failed by then, without a delivery that ended them. */
  failed: number;
}

/** Tells alarms on one way, and remembers what it has told. A try that fails is made again, with what is true then. */
export class Teller {
  readonly counts = { delivered: 0, failed: 0 };
  told: Told;
  private busy: Promise<void> | undefined;
  private tries: number;
  /** Since when tries fail, and when one was last delivered. */
  private since: string | undefined;
  private deliveredAt: string | undefined;
  private why: string | undefined;
  /** By performance.now(). */
  private notBefore = -Infinity;

  constructor(
    readonly way: Way,
    private readonly telling: Telling,
    /** What it had told before, and how it went. */
    before: Partial<NotificationWay & { told: Told }> = {},
  ) {
    this.told = before.told ?? {};
    this.deliveredAt = before.delivered_at;
    this.since = before.failing_since;
    this.why = before.why;
    this.tries = this.since === undefined ? 0 : FAILING_TRIES;
  }

  /** How it does. A try that fails once in a while is no failure. */
  status(): NotificationWay {
    const fails = this.tries >= FAILING_TRIES && this.since !== undefined;
    return {
      ...{ way: this.way.name, to: this.way.to },
      ...(this.deliveredAt === undefined ? {} : { delivered_at: this.deliveredAt }),
      ...(fails ? { failing_since: this.since } : {}),
      ...(fails && this.why !== undefined ? { why: this.why } : {}),
    };
  }

  /** Begins to tell what has to be told, if it is not busy or resting. Never waits. `now`: unix milliseconds. */
  tell(alarms: Alarms, now: number, signal: AbortSignal): void {
    if (this.busy || signal.aborted || performance.now() < this.notBefore) return;
    const own = `NOTIFICATIONS_${this.way.name}`;
    const others = Object.entries(alarms).filter(([code]) => code !== own);
    const notices = owed(Object.fromEntries(others), this.told, this.telling.patience, now);
    const { failing_since: since } = this.status();
    if (since !== undefined) {
      // That this way fails can be told on this way only when it is over. It also shows that it is over.
      const text = `notifications by ${this.way.name} did not get through`;
      const event = 'resolved' as const;
      notices.push({ event, code: own, level: 'warning', text, since: Date.parse(since) });
    }
    if (notices.length === 0) return;
    this.busy = this.send(notices, signal).finally(() => (this.busy = undefined));
  }

  /** Waits for a try that was begun. */
  async idle(): Promise<void> {
    await this.busy;
  }

  private async send(notices: Notice[], signal: AbortSignal): Promise<void> {
    try {
      await this.way.send(this.telling.compose(notices), signal);
      const now = Date.now();
      this.told = afterTelling(this.told, notices, now);
      this.counts.delivered += 1;
      this.deliveredAt = new Date(now).toISOString();
      const failed = this.tries;
      this.tries = 0;
      this.since = undefined;
      this.rest(Math.min(GATHER_MS, this.telling.patience.afterMs));
      this.telling.onTry({ why: undefined, failed });
    } catch (error) {
      if (signal.aborted) return; // the next process tells it
      this.counts.failed += 1;
      this.why = (error as Error).message;
      this.since ??= new Date().toISOString();
      this.rest(Math.min(REST_MS * 2 ** this.tries, LONGEST_REST_MS));
      this.tries += 1;
      this.telling.onTry({ why: this.why, failed: this.tries });
    }
  }

  private rest(ms: number): void {
    this.notBefore = performance.now() + ms;
  }
}
