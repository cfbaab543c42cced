import { visible } from '../visible.js';

/** How much a line of a log matters. */
export type Level = 'info' | 'warn' | 'error';
/** What a line is about, for programs that read logs in JSON. */
export type LogFields = Readonly<Record<string, string | number | undefined>>;
/** Writes one entry. */
export type Log = (text: string, level?: Level, fields?: LogFields) => void;

const STDERR = 2;
const LEVELS = { info: 'INFO ', warn: 'WARN ', error: 'ERROR' } as const;
const STAMP = /^\d{4}-\d\d-\d\dT[\d:.]+Z (?:INFO |WARN |ERROR) /;
/** The variable with the format of logs. */
export const LOG_FORMAT = 'APTOS_BACKUP_LOG_FORMAT';

/** Whether this process and those that it starts log as JSON. */
export function logsAsJson(env: NodeJS.ProcessEnv = process.env): boolean {
  return env[LOG_FORMAT] === 'json';
}

/** Sets the format of this process and of those that it will start. */
export function setLogFormat(format: string): void {
  process.env[LOG_FORMAT] = format;
}

/** A log on stderr with one line of JSON for each entry: `level`, `time`, `msg` and the fields. */
export async function jsonLog(): Promise<Log> {
  const { pino } = await import('pino'); // loaded only if it is wanted
  const logger = pino(
    {
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    // Written at once: a process may be killed at any moment. A full disk under the log stops nothing.
    pino.destination({ dest: STDERR, sync: true }).on('error', () => undefined),
  );
  return (text, level = 'info', fields = {}) => logger[level](fields, text);
}

/** A log on stderr for people: time, level and text. */
export const stampedLog: Log = (text, level = 'info') => {
  process.stderr.write(`${new Date().toISOString()} ${LEVELS[level]} ${visible(text)}\n`);
};

/** The text of a line of either log, without time and level. Other lines come back as they are. */
export function textOfLine(line: string): string {
  if (!line.startsWith('{"level":')) return line.replace(STAMP, '');
  try {
    const { msg } = JSON.parse(line) as { msg?: unknown };
    return typeof msg === 'string' ? msg : line;
  } catch {
    return line;
  }
}
