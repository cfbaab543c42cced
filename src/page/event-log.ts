import * as v from 'valibot';
import { type PageEvent, pageEvent } from '../contract/answers/page-answers.js';
import type { Level, LiveStatus, WorkerStatus } from '../contract/answers/shown-answers.js';
import { STREAMS } from '../contract/coordinator-state.js';
import { isPaused } from '../monitor/paused.js';

const MOST_EVENTS = 300;
/** A worker that dies every few seconds must not push out the rest. */
const MOST_DEATHS = 100;
const KEPT_MS = 3 * 86_400_000;

/** What a later process goes on with. */
type KeptEvents = v.InferOutput<typeof keptEvents>;
export const keptEvents = v.object({ events: v.array(pageEvent), deaths: v.array(pageEvent) });

/**
 * What happened, as this process and those before it saw it: alarms, deaths of workers, pauses, and what was asked on
 * the page. The ends of workflows are known by the server.
 */
export class EventLog {
  private readonly events: PageEvent[] = [];
  private readonly died: PageEvent[] = [];
  private before: LiveStatus | undefined;
  private readonly deaths = new Map<string, string>();

  kept(): KeptEvents {
    return { events: this.events, deaths: this.died };
  }

  /** Takes up what an earlier process kept. */
  goOnWith({ events, deaths }: KeptEvents): void {
    this.events.unshift(...events.slice(-MOST_EVENTS));
    this.died.unshift(...deaths.slice(-MOST_DEATHS));
  }

  note(event: PageEvent): void {
    keep(this.events, event, MOST_EVENTS);
  }

  /** Compares a status that was just read with the one before. `now`: unix milliseconds. */
  heard(status: LiveStatus, now: number): void {
    const { before } = this;
    this.before = status;
    const at = new Date(now).toISOString();
    for (const { code, text, since } of status.alarms) {
      const isKnown = before
        ? before.alarms.some((alarm) => alarm.code === code)
        : this.hasAlarm(code, since); // of an earlier process
      if (isKnown) continue;
      this.note({ at: since, level: 'warning', what: `alarm ${code}: ${text}` });
    }
    if (!before) return;
    for (const { code } of before.alarms) {
      if (status.alarms.some((alarm) => alarm.code === code)) continue;
      this.note({ at, level: 'ok', what: `alarm ${code} is over` });
    }
    for (const type of STREAMS) {
      const paused = isPaused(status.streams[type]);
      if (paused === isPaused(before.streams[type])) continue;
      this.note({ at, level: 'ok', what: `${type} ${paused ? 'is paused' : 'goes on'}` });
    }
  }

  private hasAlarm(code: string, since: string): boolean {
    return this.events.some(({ at, what }) => at === since && what.startsWith(`alarm ${code}: `));
  }

  /** Notes each death of a worker once. A worker tells its last one alone, so it must be asked often. */
  workers(workers: readonly WorkerStatus[]): void {
    for (const { name, last_death: death } of workers) {
      if (!death || this.deaths.get(name) === death.at) continue;
      this.deaths.set(name, death.at);
      const event = { at: death.at, level: 'warning' as const, what: `${name} ${death.how}` };
      keep(this.died, event, MOST_DEATHS);
    }
  }

  /** The events of the last days together with others, the newest first. */
  told(others: readonly PageEvent[], now: number): PageEvent[] {
    const oldest = new Date(now - KEPT_MS).toISOString();
    return [...this.events, ...this.died, ...others]
      .filter(({ at }) => at >= oldest)
      .sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
      .slice(0, MOST_EVENTS);
  }
}

function keep(events: PageEvent[], event: PageEvent, most: number): void {
  events.push(event);
  if (events.length > most) events.splice(0, events.length - most);
}

/** How bad an ended workflow is, by the name of its status. */
export function levelOfEnd(status: string): Level {
  return status === 'FAILED' || status === 'TIMED_OUT' ? 'warning' : 'ok';
}
