import type { StorageErrorCode } from '../../errors/catalogue.js';
import { shorten } from '../../lib/shorten.js';
import type { Call } from '../backend.js';
import { StorageError } from '../storage-error.js';
import type { AdapterConfig, CommandName } from './adapter-config.js';
import { meaningOf } from './answers.js';
import { redactionOf } from './redaction.js';
import { type Ended, RunningCommand } from './running-command.js';

const DEFAULT_SECONDS = 600;
const MOST_SECONDS = 7200;
/** A handle is short, so longer output is not kept. */
const MOST_OUTPUT = 64 * 1024;
const MOST_SHOWN = 600;
/** A command that prints more than this is not for us. So much names two million metadata files. */
export const MOST_PRINTED = 128 * 1024 * 1024;
/** How long a command that sends no file may run, in idle limits: one that prints for ever is never idle. */
const MOST_IDLE_LIMITS = 6;

const SUCCEEDS_ALL_THE_SAME = /\|\|[\s\\]*(:|(\/\S*\/)?true\b|exit 0|echo\b)/;
/** A loop that only goes through lines, and tries nothing again. */
const EACH_LINE = /\bwhile +(IFS=\S* +)?read\b/g;
/** `for file in $(list)` and `done < <(list)`. */
const OUTPUT_ALONE = /\bfor +\w+ +in +(\$\((?! *seq\b)|`)|<\(/;

/** The variables that a command is given, as the stock tool names them. */
export type Variables = Partial<
  Record<'BACKUP_NAME' | 'BACKUP_HANDLE' | 'FILE_NAME' | 'FILE_HANDLE', string>
>;

/** The commands of an adapter. Errors quote what the command said, without secrets. */
export class Adapter {
  readonly description: string;
  /** Hides secrets in text for people. */
  readonly redact: (text: string) => string;
  /** What its variables call TMPDIR. */
  readonly temporaryFolder: string | undefined;
  private readonly idleMs = idleLimitMs();

  constructor(private readonly config: AdapterConfig) {
    this.description = `command adapter ${config.file}`;
    this.redact = redactionOf(config);
    this.temporaryFolder = config.envVars.findLast(({ key }) => key === 'TMPDIR')?.value;
  }

  has(name: CommandName): boolean {
    return this.config.commands[name] !== undefined;
  }

  /** Whether a command keeps files in the folder for temporary ones. */
  needsRoom(name: CommandName): boolean {
    return /mktemp|TMPDIR|\/tmp\b/.test(this.config.commands[name] ?? '');
  }

  /** Whether a command succeeds whatever happens, and shows only on stderr that something did. */
  hidesFailure(name: CommandName): boolean {
    const text = (this.config.commands[name] ?? '').replace(EACH_LINE, '');
    // Bash does not ask how a command ended of which it only takes the output.
    if (OUTPUT_ALONE.test(text)) return !this.triesAgain(name);
    return SUCCEEDS_ALL_THE_SAME.test(text) && !/\b(for|while|until)\b/.test(text);
  }

  /** Whether a command tries again after a pause. A loop without one may look in several places. */
  triesAgain(name: CommandName): boolean {
    const text = this.config.commands[name] ?? '';
    return /\b(for|while|until)\b/.test(text) && /\bsleep\b/.test(text);
  }

  /** Whether a command refuses to write over a file, as in the stock tool's sample for a local folder. */
  onlyCreates(name: CommandName): boolean {
    const text = this.config.commands[name] ?? '';
    return /(\btest|\[) +! +-[efs]\b|\bnoclobber\b|\bset -[a-z]*C/.test(text);
  }

  /** Starts a command. The caller must call its `end`. */
  async start(
    name: CommandName,
    variables: Variables,
    { signal, progress }: Call,
    stdin?: number,
  ): Promise<RunningCommand> {
    const text = this.config.commands[name];
    if (text === undefined) {
      const why = `${this.description} has no command ${name}; add it`;
      throw new StorageError('STORAGE_UNFIT', '', why);
    }
    const own = this.config.envVars.map(({ key, value }) => [key, value] as const);
    try {
      return await RunningCommand.start({
        text,
        variables: { ...Object.fromEntries(own), ...variables },
        ...(stdin === undefined ? {} : { stdin }),
        signal,
        progress,
        idleMs: this.idleMs,
        stalled: (stderr) => this.stalled(name, variables, stderr),
      });
    } catch (error) {
      throw notStarted(error, this.description, name);
    }
  }

  /**
   * Runs a command to its end. Returns its exit code, what it said on stderr, and its output, cut after `mostOutput`
   * bytes. @throws StorageError STORAGE_UNFIT when it prints without end
   */
  async run(
    name: CommandName,
    variables: Variables,
    call: Call,
    { stdin, mostOutput = MOST_OUTPUT }: { stdin?: number; mostOutput?: number } = {},
  ): Promise<{ output: string } & Ended> {
    const begun = performance.now();
    const longest = stdin === undefined ? MOST_IDLE_LIMITS * this.idleMs : Infinity;
    const command = await this.start(name, variables, call, stdin);
    try {
      const kept: Buffer[] = [];
      let length = 0;
      for await (const part of command.output()) {
        if (length < mostOutput) kept.push(part);
        length += part.length;
        const took = performance.now() - begun;
        if (length > MOST_PRINTED || took > longest) {
          throw this.endless(name, variables, length, took);
        }
      }
      const output = Buffer.concat(kept).toString('utf8');
      return { output, ...(await command.ended()) };
    } catch (error) {
      throw notStarted(error, this.description, name);
    } finally {
      await command.end();
    }
  }

  /** The error for a command that failed. */
  failed(name: CommandName, variables: Variables, { status, stderr }: Ended): StorageError {
    const { code, todo } = meaningOf(stderr);
    return this.error(
      code,
      variables,
      `${name}${about(variables)} failed with exit code ${status}`,
      {
        stderr,
        todo,
      },
    );
  }

  /** An error of this storage that quotes what a command said, if it is about what one command said. */
  error(
    code: StorageErrorCode,
    variables: Variables,
    what: string,
    { stderr, todo }: { stderr?: string; todo: string },
  ): StorageError {
    return new StorageError(
      code,
      handleOf(variables),
      `${this.description}: ${this.redact(what)}; ${todo}${stderr === undefined ? '' : `.${this.quoted(stderr)}`}`,
    );
  }

  /** What a command said, as a sentence of its own. */
  quoted(stderr: string): string {
    const said = this.redact(stderr.trim()).replace(/\s+/g, ' ');
    return said === '' ? ' It said nothing on stderr' : ` It said: ${shorten(said, MOST_SHOWN)}`;
  }

  private endless(name: CommandName, variables: Variables, printed: number, took: number) {
    const how = `printed ${printed} bytes in ${Math.round(took / 1000)} s`;
    const what = `${name}${about(variables)} ${how}, did not end and was killed`;
    const todo = 'correct the command: it must print handles alone, each once, and end';
    return this.error('STORAGE_UNFIT', variables, what, { todo });
  }

  private stalled(name: CommandName, variables: Variables, stderr: string): StorageError {
    const what = `${name}${about(variables)} moved no byte for ${this.idleMs / 1000} s and was killed`;
    return this.error('STORAGE_STALLED', variables, what, {
      stderr,
      todo: 'see what hangs, or raise APTOS_BACKUP_ADAPTER_SECONDS',
    });
  }
}

/** How long a command may take without moving a byte. @throws Error when APTOS_BACKUP_ADAPTER_SECONDS is no such time */
function idleLimitMs(env: NodeJS.ProcessEnv = process.env): number {
  const text = env['APTOS_BACKUP_ADAPTER_SECONDS'] ?? `${DEFAULT_SECONDS}`;
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MOST_SECONDS) return seconds * 1000;
  throw new Error(
    `APTOS_BACKUP_ADAPTER_SECONDS must be a whole number from 1 to ${MOST_SECONDS}, not "${text}"`,
  );
}

function about(variables: Variables): string {
  const handle = handleOf(variables);
  return handle === '' ? '' : ` of ${handle}`;
}

function handleOf({ BACKUP_NAME, BACKUP_HANDLE, FILE_NAME, FILE_HANDLE }: Variables): string {
  if (FILE_HANDLE !== undefined) return FILE_HANDLE;
  if (FILE_NAME === undefined) return BACKUP_NAME ?? '';
  return BACKUP_HANDLE === undefined ? `metadata/${FILE_NAME}` : `${BACKUP_HANDLE}/${FILE_NAME}`;
}

/** Turns a failed spawn into an error: there is no bash, or no room for another process. */
function notStarted(error: unknown, description: string, name: CommandName): unknown {
  const { code, syscall = '' } = error as NodeJS.ErrnoException;
  if (!syscall.startsWith('spawn')) return error;
  const why =
    code === 'ENOENT'
      ? `${description}: bash is not there, and adapters need it; install it`
      : `${description}: ${name} cannot be started (${code}); see the limits of this host`;
  const what = code === 'ENOENT' ? 'STORAGE_UNFIT' : 'STORAGE_FAILED';
  return new StorageError(what, '', why, { cause: error });
}
