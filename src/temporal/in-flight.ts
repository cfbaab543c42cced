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
}

/** What a worker process tells its supervisor; `leaving`: why it is about to end by itself. */
export type WorkerMessage =
  { begun: InFlight } | { ended: string } | { alive: true } | { leaving: string };

/** What a worker process has in hand, as far as it has told. */
export class InFlightActivities {
  private readonly byToken = new Map<string, InFlight>();
  /** Why the process said that it leaves. */
  leaving: string | undefined;

  note(message: unknown): void {
    if (typeof message !== 'object' || message === null) return;
    if ('begun' in message) {
      const begun = message.begun as InFlight;
      this.byToken.set(begun.token, begun);
    } else if ('ended' in message) {
      this.byToken.delete(String(message.ended));
    } else if ('leaving' in message) {
      this.leaving = String(message.leaving);
    }
  }

  list(): InFlight[] {
    return [...this.byToken.values()];
  }
}
