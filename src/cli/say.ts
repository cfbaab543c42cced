import { type Log, jsonLog, logsAsJson, setLogFormat, stampedLog } from '../lib/host/log.js';
import { visible } from '../lib/visible.js';
import { Screen } from './screen.js';

const screen = process.stderr.isTTY ? new Screen() : undefined;

const plainLog: Log = (text) => {
  if (screen) screen.say(text);
  else process.stderr.write(`${visible(text)}\n`);
};
/** On a terminal, the day is known. */
const clockLog: Log = (text) => plainLog(`${new Date().toISOString().slice(11, 19)}Z ${text}`);
let log: Log = plainLog;

/** The terminal of this process; undefined if stderr is none, or if it gets JSON. */
export function board(): Screen | undefined {
  return logsAsJson() ? undefined : screen;
}

/** Tells the operator something, on stderr. */
export const say: Log = (text, level, fields) => log(text, level, fields);

/** Shows how far something is: on a terminal in place of what it showed before, elsewhere in a line. */
export function sayProgress(text: string): void {
  const screen = board();
  if (screen) screen.show([text]);
  else say(text, 'info', { event: 'progress' });
}

/**
 * Sets how this process and its workers tell what happens: in JSON if `format` or the environment says so. A command
 * that runs for long (`stamped`) says in a file when it was, and how much it matters.
 */
export async function setUpLog({
  format,
  stamped,
}: {
  format?: string | undefined;
  stamped: boolean;
}) {
  if (format !== undefined) setLogFormat(format);
  if (logsAsJson()) log = await jsonLog();
  else if (stamped) log = screen ? clockLog : stampedLog;
  else log = plainLog; // a flag comes before the environment
}

/** The format that a command line asks for; undefined if it names none that is known. A mistake may come before it is parsed. */
export function typedFormat(args: readonly string[]): string | undefined {
  const [, format] = /(?:^|\n)--log-format[=\n](text|json)(?:\n|$)/.exec(args.join('\n')) ?? [];
  return format;
}
