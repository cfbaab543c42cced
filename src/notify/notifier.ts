import { setTimeout as sleep } from 'node:timers/promises';
import type { ReasonCode } from '../errors/codes/health-codes.js';
import { worstOf } from '../monitor/health.js';
import type { HealthDetails, HealthSource } from '../monitor/health-server.js';
import { notificationTroubles } from '../monitor/notification-health.js';
import { StartingHealth } from '../monitor/starting-health.js';
import type { Health } from '../contract/answers/shown-answers.js';
import { type Alarms, type Notice, type Patience, lookAgain } from './alarms.js';
import { type About, messageOf } from './message.js';
import { notificationMetrics } from './notification-metrics.js';
import { type NotifyState, WRITTEN_EVERY_MS, readState, writeState } from './state-file.js';
import { type Outcome, Teller } from './teller.js';
import type { Way } from './way.js';

/** Reasons that are known only while a node is seen. */
const OF_NODE = ['NODE_UNSEEN', 'TIP_OLD', 'GENESIS_UNCONFIRMED'] satisfies ReasonCode[];
const LOOK_MS = 2_000;
/** How long the end of the process waits for a message that is on its way. */
const PARTING_MS = 3_000;

export interface NotifierOptions {
  ways: Way[];
  patience: Patience;
  about: Required<About>;
  /** What outlives the process is kept here. */
  file: string;
  say: (line: string) => void;
}

/**
 * Looks at healths, and tells on each way what begins, changes, lasts and ends. Sending runs beside everything else
 * and holds nothing up. What was told is kept in a file, so that a restart tells nothing again.
 */
export class Notifier implements HealthSource {
  private sources: HealthSource[] = [];
  private alarms: Alarms;
  private readonly tellers: Teller[];
  private readonly starting = new StartingHealth();
  private readonly ending = new AbortController();
  private readonly timer: NodeJS.Timeout;
  /** What the file says, and why it could not be written. */
  private saved = '';
  /** By performance.now(). */
  private savedAt = -Infinity;
  private unsaved: string | undefined;

  constructor(private readonly options: NotifierOptions) {
    const { ways, patience, about, file, say } = options;
    const before = readState(file);
    if (before.damaged !== undefined) {
      say(`${file} cannot be used: ${before.damaged}. Alarms that were sent are sent again.`);
    }
    this.alarms = before.alarms;
    this.tellers = ways.map((way) => {
      const telling = {
        patience,
        compose: (notices: Notice[]) =>
          messageOf(notices, about, { now: Date.now(), lasting: this.lasting() }),
        onTry: (outcome: Outcome) => this.tried(way, outcome),
      };
      return new Teller(way, telling, before.ways[way.id]);
    });
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  /** From now on these healths count. Before that, the command is starting. */
  watch(...sources: (HealthSource | undefined)[]): void {
    this.sources = sources.flatMap((source) => source ?? []);
  }

  /** Looks once, and begins to tell. It is called by itself every two seconds. `now`: unix milliseconds. */
  look(now = Date.now()): void {
    const sources = this.sources.length > 0 ? this.sources : [this.starting];
    const reasons = [...sources, this].flatMap((source) => source.health().reasons);
    const isTold = (code: string) => this.tellers.some(({ told }) => Object.hasOwn(told, code));
    const isAnew = sources.some((source) => {
      const { status } = source.details();
      return status !== undefined && status.seen === undefined;
    });
    this.alarms = lookAgain(this.alarms, { reasons, now, unknown: isAnew ? OF_NODE : [] }, isTold);
    for (const teller of this.tellers) teller.tell(this.alarms, now, this.ending.signal);
    this.save();
  }

  /** Ends it. A message that is on its way gets three seconds; what is not told then is told by the next process. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    const idle = this.idle();
    const late = new AbortController();
    const waited = sleep(PARTING_MS, undefined, { signal: late.signal }).catch(() => undefined);
    await Promise.race([idle, waited]);
    late.abort();
    this.ending.abort();
    await idle;
    this.save();
  }

  /** Waits for the messages that are on their way. */
  async idle(): Promise<void> {
    await Promise.all(this.tellers.map((teller) => teller.idle()));
  }

  notReady(): undefined {
    return undefined;
  }

  health(): Health {
    const troubles = notificationTroubles(this.tellers.map((teller) => teller.status()));
    return worstOf(troubles.map((trouble) => ({ level: 'warning' as const, ...trouble })));
  }

  details(): HealthDetails {
    return { notifications: this.tellers.map((teller) => teller.status()) };
  }

  metrics(): Promise<{ text: string; type: string }> {
    return notificationMetrics(this.tellers);
  }

  private lasting(): number {
    return Object.values(this.alarms).filter(({ gone }) => gone === undefined).length;
  }

  private tried({ name, to }: Way, { why, failed }: Outcome): void {
    const { say } = this.options;
    if (why !== undefined && failed === 1) {
      say(`A notification by ${name} (${to}) failed: ${why}; it is tried again`);
    } else if (why === undefined && failed > 0) {
      say(`Notifications by ${name} (${to}) get through again`);
    }
    this.save();
  }

  private save(): void {
    const ways: NotifyState['ways'] = {};
    for (const teller of this.tellers) {
      ways[teller.way.id] = { ...teller.status(), told: teller.told };
    }
    const { alarms } = this;
    // Some texts change with each look: they hold an age.
    const content = JSON.stringify({ alarms, ways }, (key, value: unknown) =>
      key === 'text' ? undefined : value,
    );
    const isFresh = performance.now() - this.savedAt < WRITTEN_EVERY_MS;
    if (content === this.saved && isFresh) return;
    try {
      writeState(this.options.file, { alarms, ways });
      this.saved = content;
      this.savedAt = performance.now();
      this.unsaved = undefined;
    } catch (error) {
      const why = (error as Error).message;
      if (why !== this.unsaved) this.options.say(`Notifications may be sent again: ${why}`);
      this.unsaved = why;
    }
  }
}
