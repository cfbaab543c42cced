import { type ChildProcess, spawn } from 'node:child_process';
import { signalGroup } from '../lib/host/signal-group.js';
import { shorten } from '../lib/shorten.js';
import { withoutSecrets } from '../lib/without-secrets.js';
import type { Message } from './message.js';
import type { NotifySettings } from './settings.js';
import type { Way } from './way.js';

/** How long a command may run. */
const TIMEOUT_MS = 30_000;
const MOST_SAID = 300;
/** More is kept, so that no secret in it is cut. */
const MOST_KEPT = 4_000;
/** How long the last words of a program may be on their way, if what it left behind holds its output open. */
const LAST_WORDS_MS = 2_000;
/** Room in the environment is small. */
const MOST_VARIABLE = 8_000;
/** Of our own environment, a command gets all but this. */
const SECRETS = /^APTOS_BACKUP_(NOTIFY_|PAGE_TOKEN)/;

/** Runs a program without a shell. It gets the message as JSON on its standard input, and the worst alarm as variables. */
export function commandWay(
  { program, args }: NonNullable<NotifySettings['command']>,
  timeoutMs = TIMEOUT_MS,
): Way {
  return {
    name: 'command',
    to: program,
    id: `command ${JSON.stringify([program, ...args])}`,
    send: (message, signal) => runOnce(program, args, message, { timeoutMs, signal }),
  };
}

async function runOnce(
  program: string,
  args: string[],
  message: Message,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<string> {
  signal.throwIfAborted();
  // A group of its own, so that its children can be killed with it.
  // Without a free file descriptor it has no streams, and says so by an error, to which somebody must listen by now.
  const child: ChildProcess = spawn(program, args, { env: variablesOf(message), detached: true });
  const ended = endOf(child);
  const late = AbortSignal.timeout(timeoutMs);
  const { pid } = child;
  const end = () => void (pid === undefined || signalGroup(pid, 'SIGKILL'));
  const either = AbortSignal.any([signal, late]);
  either.addEventListener('abort', end, { once: true });
  process.once('exit', end);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (part: Buffer) => (said = `${said}${part.toString()}`.slice(-MOST_KEPT)));
  }
  child.stdin?.on('error', () => undefined); // it need not read all of it
  child.stdin?.end(`${JSON.stringify(message)}\n`);
  try {
    const how = await ended;
    signal.throwIfAborted();
    if (late.aborted) throw new Error(`took longer than ${timeoutMs / 1000} s and was killed`);
    const words = lastLine(said);
    if (how === 'exit code 0') return `ended with ${how}${words}`;
    throw new Error(`ended with ${how}${words}`);
  } finally {
    either.removeEventListener('abort', end);
    process.removeListener('exit', end);
    // What it left behind goes on: it may have handed the message to a mailer.
    for (const stream of [child.stdout, child.stderr]) stream?.destroy();
  }
}

/** Waits for the end of the program itself: what it leaves behind may hold its output open. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      const why = {
        ENOENT: 'there is no such program',
        EACCES: 'it may not be executed',
        EMFILE: 'too many files are open in this process',
      };
      reject(new Error(why[code as keyof typeof why] ?? message));
    });
    child.once('exit', (code, killedBy) => {
      const how = killedBy === null ? `exit code ${code}` : `signal ${killedBy}`;
      const done = () => resolve(how);
      child.once('close', done);
      setTimeout(done, LAST_WORDS_MS).unref();
    });
  });
}

/** Our environment, and the facts of the first alarm, which is the worst. */
function variablesOf(message: Message): NodeJS.ProcessEnv {
  const [first] = message.alarms;
  const facts = {
    EVENT: first?.event,
    CODE: first?.code,
    SEVERITY: first?.severity,
    TEXT: first?.text,
    SINCE: first?.since,
    WHAT_TO_DO: first?.what_to_do,
    ID: first?.id,
    COUNT: String(message.alarms.length),
    MESSAGE: message.text,
    STORAGE: message.storage,
    WORKFLOW_ID: message.workflow_id,
    PAGE: message.page,
  };
  const env = Object.entries(process.env).filter(([name]) => !SECRETS.test(name));
  for (const [name, value = ''] of Object.entries(facts)) {
    const clean = value.replaceAll('\0', '').slice(0, MOST_VARIABLE);
    env.push([`APTOS_BACKUP_ALARM_${name}`, clean]);
  }
  return Object.fromEntries(env);
}

function lastLine(text: string): string {
  const line = withoutSecrets(text.trim().split('\n').at(-1)!.trim(), process.env);
  return line === '' ? '' : `: ${shorten(line, MOST_SAID)}`;
}
