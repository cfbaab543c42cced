import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveStatus } from '../client/coordinator.js';
import type { LastVerification } from '../client/last-verification.js';
import { describeStuck } from '../client/stuck.js';
import { STREAMS } from '../plan/coordinator.js';
import { TITLES, streamDetails } from './stream-details.js';

const TTY_INTERVAL_MS = 1_000;
const LINES_INTERVAL_MS = 5_000;
/** With the next look before a minute is over. */
const JSON_AT_LEAST_MS = 60_000 - LINES_INTERVAL_MS;
/** What becomes another number by the mere passing of time. */
const PASSING = new Set(['lagSeconds', 'etaSeconds', 'seconds', 'rate']);

/**
 * Shows a coordinator's status again and again: on stderr, in place on a terminal, else as it changes;
 * as JSON on stdout as it changes, and once a minute, so that who reads it knows that it is current.
 */
export class StatusBoard {
  private shown = 0;
  private last = '';
  private printedAt = -Infinity;

  constructor(private readonly json: boolean) {}

  show(status: LiveStatus): void {
    if (this.json) this.printJson(status, withoutTimes(status));
    else this.print(describeStatus(status, process.stderr.isTTY ? Date.now() : undefined));
  }

  /** Instead of a status: why there can be none. */
  trouble(text: string): void {
    if (this.json) this.printJson({ trouble: text }, text);
    else this.print([text]);
  }

  /** `state`: what must have changed, unless nothing was printed for long. */
  private printJson(value: object, state: string): void {
    const now = performance.now();
    if (state === this.last && now - this.printedAt < JSON_AT_LEAST_MS) return;
    console.log(JSON.stringify(value));
    this.last = state;
    this.printedAt = now;
  }

  private print(lines: string[]): void {
    if (process.stderr.isTTY) {
      const width = process.stderr.columns || 80;
      const text = lines.map((line) => line.slice(0, width - 1)).join('\n');
      process.stderr.write(`${this.shown > 0 ? `\u001b[${this.shown}A\u001b[0J` : ''}${text}\n`);
      this.shown = lines.length;
    } else if (lines.join('\n') !== this.last) {
      process.stderr.write(`${lines.join('\n')}\n`);
    }
    this.last = lines.join('\n');
  }

  /** Waits for the next look, or for the signal. */
  async pause(signal: AbortSignal): Promise<void> {
    const wait = process.stderr.isTTY ? TTY_INTERVAL_MS : LINES_INTERVAL_MS;
    await sleep(wait, undefined, { signal }).catch(() => undefined);
  }

  end(): void {
    this.shown = 0;
  }
}

/** A status as text, without ages and without when it was looked. */
function withoutTimes({ seen, ...status }: LiveStatus): string {
  return JSON.stringify({ ...status, seen: seen && { ...seen, at: '' } }, (key, value: unknown) =>
    PASSING.has(key) ? undefined : value,
  );
}

/** A status for people: the node, one line a stream, alarms. With `now`, also how old things are. */
export function describeStatus(status: LiveStatus, now?: number): string[] {
  const { seen, alarms, stuck, verification, unreferenced, retrying } = status;
  const at = seen
    ? `${seen.node === undefined ? 'node' : `node ${seen.node}`} at version ${seen.version}, ${seen.ended_epochs} epochs ended`
    : 'node not seen yet';
  return [
    `${status.phase}: ${at}`,
    ...STREAMS.map((type) => {
      const details = streamDetails(status, type, now);
      const { newest, lag, age, doing, progress, failed, error, quarantined, edge } = details;
      const parts = [
        newest === undefined ? 'nothing stored yet' : `stored to ${newest}`,
        ...(lag === undefined ? [] : [`${lag} behind`]),
        ...(age === undefined ? [] : [`last commit ${age}`]),
        doing,
        ...(progress === undefined ? [] : [progress]),
        ...(edge === undefined || now === undefined ? [] : [`${edge} to the prune edge`]),
        ...(failed === undefined ? [] : [failed]),
        ...(quarantined === undefined ? [] : [`in quarantine: ${quarantined}`]),
        ...(error === undefined ? [] : [`last error ${error}`]),
      ];
      return `  ${TITLES[type].padEnd(15)} ${parts.join(', ')}`;
    }),
    ...(verification && now !== undefined ? [`  verified        ${verified(verification)}`] : []),
    ...(unreferenced && unreferenced.folders > 0
      ? [
          `  unreferenced    ${unreferenced.folders} folder(s), first ${unreferenced.first[0]!.folder} (${unreferenced.first[0]!.what})`,
        ]
      : []),
    ...retrying
      .slice(0, 3)
      .map(({ what, attempt, reason }) => `  attempt ${attempt} of ${what} after: ${reason}`),
    ...(seen?.resting ?? []).map((r) => `  node ${r.node} is left until ${r.until}: ${r.why}`),
    ...alarms.map(({ code, text, since }) => `  ALARM ${code} since ${since}: ${text}`),
    ...stuck.map((workflow) => `  STUCK ${describeStuck(workflow)}`),
  ];
}

function verified({ running, succeededAt, failedAt }: LastVerification): string {
  return [
    succeededAt === undefined ? 'never' : `last at ${succeededAt}`,
    ...(failedAt === undefined ? [] : [`failed at ${failedAt}`]),
    ...(running ? ['a verification runs'] : []),
  ].join(', ');
}
