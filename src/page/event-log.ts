import type { PageEvent } from '../contract/answers/page-answers.js';
import type { Level, LiveStatus, WorkerStatus } from '../contract/answers/shown-answers.js';
import { STREAMS } from '../contract/coordinator-state.js';
import { isPaused } from '../monitor/paused.js';

const MOST_EVENTS = 300;
const KEPT_MS = 3 * 86_400_000;

/**
 * What happened, as this process saw it: alarms, deaths of workers, pauses, and what was asked on the page. The ends
 * of workflows are known by the server. Nothing of it outlives the process.
 */
export class EventLog {
  private events: PageEvent[] = [];
  private before: LiveStatus | undefined;
  private readonly deaths = new Map<string, string>();

  note(event: PageEvent): void {
    this.events.push(event);
    if (this.events.length > MOST_EVENTS) this.events.shift();
  }

  /** Compares a status that was just read with the one before. `now`: unix milliseconds. */
  heard(status: LiveStatus, now: number): void {
    const { before } = this;
    this.before = status;
    const at = new Date(now).toISOString();
    for (const { code, text, since } of status.alarms) {
      if (before?.alarms.some((alarm) => alarm.code === code)) continue;
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

  /** Notes each death of a worker once. */
  workers(workers: readonly WorkerStatus[]): void {
    for (const { name, last_death: death } of workers) {
      if (!death || this.deaths.get(name) === death.at) continue;
      this.deaths.set(name, death.at);
      this.note({ at: death.at, level: 'warning', what: `${name} ${death.how}` });
    }
  }

  /** The events of the last days together with others, the newest first. */
  told(others: readonly PageEvent[], now: number): PageEvent[] {
    const oldest = new Date(now - KEPT_MS).toISOString();
    return [...this.events, ...others]
      .filter(({ at }) => at >= oldest)
      .sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
      .slice(0, MOST_EVENTS);
  }
}

/** How bad an ended workflow is, by the name of its status. */
export function levelOfEnd(status: string): Level {
  return status === 'FAILED' || status === 'TIMED_OUT' ? 'warning' : 'ok';
}
