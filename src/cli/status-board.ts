import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveStatus } from '../client/coordinator.js';
import type { BackupType } from '../plan/job.js';
import { bytes, duration } from './format.js';

const TTY_INTERVAL_MS = 1_000;
const LINES_INTERVAL_MS = 5_000;

const TITLES: Record<BackupType, string> = {
  epoch_ending: 'epoch endings',
  state_snapshot: 'state snapshots',
  transaction: 'transactions',
};

/** Shows a coordinator's status on stderr again and again: in place on a terminal, else as it changes. */
export class StatusBoard {
  private shown = 0;
  private last = '';

  constructor(private readonly json: boolean) {}

  show(status: LiveStatus): void {
    if (this.json) {
      console.log(JSON.stringify(status));
      return;
    }
    const lines = describeStatus(status);
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

/** A status for people: the node, one line a stream, alarms. */
export function describeStatus(status: LiveStatus): string[] {
  const { seen, streams, alarms, progress } = status;
  const at = seen
    ? `node at version ${seen.version}, ${seen.ended_epochs} epochs ended`
    : 'node not seen yet';
  return [
    `${status.phase}: ${at}`,
    ...(Object.keys(TITLES) as BackupType[]).map((type) => {
      const { state, newest, lag, current, waitingFor, rate, etaSeconds, failed } = streams[type];
      const unit = progress[type];
      const parts = [
        newest === undefined ? 'nothing stored yet' : `stored to ${newest}`,
        ...(lag === undefined ? [] : [`${lag} behind`]),
        ...(current ? [current.target] : [state, ...(waitingFor ? [`for ${waitingFor}`] : [])]),
        ...(unit && unit.total > 0
          ? [`${Math.floor((unit.done / unit.total) * 100)} %, ${bytes(unit.bytes)}`]
          : []),
        ...(rate === undefined ? [] : [`${rate} records/s`]),
        ...(etaSeconds === undefined ? [] : [`ETA ${duration(etaSeconds)}`]),
        ...(failed.length > 0 ? [`${failed.length} failed, first ${failed[0]!.unit}`] : []),
      ];
      return `  ${TITLES[type].padEnd(15)} ${parts.join(', ')}`;
    }),
    ...alarms.map(({ code, text, since }) => `  ALARM ${code} since ${since}: ${text}`),
  ];
}
