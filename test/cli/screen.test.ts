/** On a terminal, what is said scrolls away above the board, whole, and the board wraps. The terminal is xterm's. */
import xterm from '@xterm/headless';
import { expect, it } from 'vitest';
import { Screen } from '../../src/cli/screen.js';

/** A terminal and a screen in it. */
function open(columns: number, rows: number) {
  const terminal = new xterm.Terminal({
    ...{ cols: columns, rows, scrollback: 1000, allowProposedApi: true, convertEol: true },
  });
  const stream = {
    columns,
    rows,
    write(text: string) {
      terminal.write(text);
      return true;
    },
  };
  /** Everything that the terminal has shown and still shows. */
  const shown = async () => {
    await new Promise<void>((resolve) => terminal.write('', resolve));
    const { active } = terminal.buffer;
    const lines = Array.from({ length: active.length }, (_, i) =>
      active.getLine(i)!.translateToString(true),
    );
    return lines.join('\n').trimEnd().split('\n');
  };
  return { screen: new Screen(stream), shown };
}

it('events stay above the board, and a long alarm is wrapped, not cut', async () => {
  const { screen, shown } = open(40, 12);
  const alarm =
    '  ALARM STORAGE since 12:00: the storage has no room left on its disk; make room, and it goes on';
  for (let look = 1; look <= 30; look += 1) {
    screen.show([`following: version ${look}`, '  transactions stored', alarm]);
    if (look % 3 === 0) screen.say(`event ${look}`);
  }
  screen.say('a death that takes more than one row of this narrow terminal');
  const lines = await shown();
  const events = Array.from({ length: 10 }, (_, i) => `event ${(i + 1) * 3}`);
  expect(lines.slice(0, 10)).toEqual(events);
  expect(lines.slice(10)).toEqual([
    'a death that takes more than one row of ',
    'this narrow terminal',
    'following: version 30',
    '  transactions stored',
    '  ALARM STORAGE since 12:00: the',
    '      storage has no room left on its',
    '      disk; make room, and it goes on',
  ]);
});

it('a board that is higher than the window leaves no traces', async () => {
  const { screen, shown } = open(40, 6);
  const rows = Array.from({ length: 9 }, (_, i) => `row ${i}`);
  for (let look = 0; look < 5; look += 1) screen.show(rows);
  screen.say('an event');
  expect(await shown()).toEqual([
    ...['an event', 'row 0', 'row 1', 'row 2', 'row 3'],
    '... 5 lines more; see: aptos-backup sta',
  ]);
  screen.leave();
  screen.say('Stopped.');
  expect((await shown()).at(-1)).toBe('Stopped.');
});

it.each([1, 2, 3, 10])('a window of %i columns shows the board', (columns) => {
  let written = '';
  const write = (text: string) => {
    written += text;
    return true;
  };
  const screen = new Screen({ columns, rows: 400, write });
  screen.show(['following: version 30', '  transactions stored to 1500']);
  expect(written.replaceAll(/\s/g, '')).toBe('following:version30transactionsstoredto1500');
});

it('a reason of several lines, or with tabs, leaves no traces', async () => {
  const { screen, shown } = open(40, 12);
  const reason = '  transactions failed: no answer\n\tfrom\tthe\tstorage\tof\tthis\thost';
  for (let look = 1; look <= 5; look += 1) screen.show([`working: version ${look}`, reason]);
  expect(await shown()).toEqual([
    'working: version 5',
    '  transactions failed: no answer from',
    '      the storage of this host',
  ]);
});
