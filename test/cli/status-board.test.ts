/** A command that follows prints with `--json` a line for each change, and one a minute. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { StatusBoard } from '../../src/cli/status-board.js';
import { ago, liveStatus } from '../support/status.js';
import type { LiveStatus } from '../../src/contract/answers/shown-answers.js';

const LOOK_MS = 5_000;
const LOOKS_A_MINUTE = 12;

/** A status as seen when the node was asked `seconds` ago and nothing else changed. */
function seenBefore(seconds: number, version = '100'): LiveStatus {
  return liveStatus(
    {
      lag_seconds: 900 - seconds,
      eta_seconds: 90 + seconds,
      prune_edge: { next: '1', versions: 4000, seconds: 7_200 - seconds, window: 9_000 },
    },
    {
      seen: { ended_epochs: '4', version, at: ago(seconds) },
      progress: {
        transaction: { done: 5, total: 10, bytes: 50, failed_ranges: 0, rate: 1 / (100 - seconds) },
      },
    },
  );
}

it('the board prints a status as JSON when more than ages changed, or after a minute', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const log = vi.spyOn(console, 'log').mockReturnValue();
  onTestFinished(() => void vi.useRealTimers());
  onTestFinished(() => log.mockRestore());
  const board = new StatusBoard(true);
  const printed = (show: () => void): unknown[] => {
    log.mockClear();
    show();
    vi.advanceTimersByTime(LOOK_MS);
    return log.mock.calls.map(([line]) => JSON.parse(line as string) as unknown);
  };
  const first = seenBefore(60);
  expect(printed(() => board.show(first))).toEqual([first]);
  for (let look = 1; look < LOOKS_A_MINUTE - 1; look += 1) {
    expect(printed(() => board.show(seenBefore(60 - look)))).toEqual([]);
  }
  const last = seenBefore(40);
  expect(printed(() => board.show(last))).toEqual([last]);
  expect(printed(() => board.show(seenBefore(39)))).toEqual([]);

  const changed = seenBefore(38, '101');
  expect(printed(() => board.show(changed))).toEqual([changed]);
  expect(printed(() => board.trouble('it is stuck'))).toEqual([{ trouble: 'it is stuck' }]);
  expect(printed(() => board.trouble('it is stuck'))).toEqual([]);
  expect(printed(() => board.show(changed))).toEqual([changed]);
});

it('with JSON on stdout, events are lines on stderr', () => {
  vi.spyOn(console, 'log').mockReturnValue();
  const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  onTestFinished(() => void vi.restoreAllMocks());
  const board = new StatusBoard(true);
  board.show(liveStatus());
  board.show(liveStatus({}, { alarms: [{ code: 'STORAGE', text: 'away', since: ago(1) }] }));
  expect(err.mock.calls.join()).toContain('ALARM STORAGE: away');
});
