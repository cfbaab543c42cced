import type { Traffic } from '../../node/traffic.js';

/** An activity that a worker process has in hand, as it tells its supervisor. */
export interface InFlight {
  /** The server's token of this one attempt, base64. */
  token: string;
  activity: string;
  /** The range it works on, where it has one. */
  range?: string;
  workflowId: string;
  attempt: number;
  /** Unix milliseconds. */
  since: number;
  lastHeartbeat?: Heartbeat;
}

export interface Heartbeat {
  /** Unix milliseconds. */
  at: number;
  details: object;
}

/** What a worker process tells its supervisor. */
export type WorkerMessage =
  | { begun: InFlight }
  | ({ beat: string } & Heartbeat)
  | { ended: string }
  | { alive: true }
  /** Whether the server answers it, once it asks for work. */
  | { connected: boolean }
  /** What it received from nodes since it last told. */
  | { traffic: Traffic }
  /** Why it is about to end by itself. */
  | { leaving: string }
  /** An error that belongs to no activity: the process hands back what it has and stops. */
  | { stray: StrayError };

export interface StrayError {
  message: string;
  stack: string;
}

/** For the worker process: tells its supervisor; without one it does nothing. */
export function tell(message: WorkerMessage): void {
  // A channel that breaks in this moment is noticed by its end.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

/** What a worker process has in hand, as far as it has told. */
export class InFlightActivities {
  private readonly byToken = new Map<string, InFlight>();

  note(message: WorkerMessage): void {
    if ('begun' in message) {
      this.byToken.set(message.begun.token, message.begun);
    } else if ('beat' in message) {
      const { beat, at, details } = message;
      const activity = this.byToken.get(beat);
      if (activity) activity.lastHeartbeat = { at, details };
    } else if ('ended' in message) {
      this.byToken.delete(message.ended);
    }
  }

  list(): InFlight[] {
    return [...this.byToken.values()];
  }
}
