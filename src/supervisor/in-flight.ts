import type { Traffic } from '../node/traffic.js';

/** An activity that a worker process works on, as the worker reports it to its supervisor. */
export interface InFlight {
  /** The server's token for this attempt of the activity, base64. */
  token: string;
  activity: string;
  /** The range or unit that the activity works on; absent for activities without one. */
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

/** A message from a worker process to its supervisor. */
export type WorkerMessage =
  | { begun: InFlight }
  | ({ beat: string } & Heartbeat)
  | { ended: string }
  | { alive: true }
  /** Whether the Temporal server answers; sent once the worker asks for work. */
  | { connected: boolean }
  /** Something waits in the task queue of the apart worker. */
  | { waits: 'apart' }
  /** What the worker received from nodes since its last message of this kind. */
  | { traffic: Traffic }
  /** The worker is about to end by itself; the text says why. */
  | { leaving: string }
  /** An error outside any activity. The worker hands its activities back to the server and stops. */
  | { stray: StrayError };

export interface StrayError {
  message: string;
  stack: string;
}

/** Sends a message from the worker process to its supervisor. Does nothing without a supervisor. */
export function tell(message: WorkerMessage): void {
  // A failed send needs no care: the `disconnect` event reports a broken channel.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

/** The activities that a worker process works on, collected from its messages. */
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
