import { readFileSync } from 'node:fs';
import { UsageError } from '../client/command-failure.js';
import { systemWords } from '../lib/host/system-words.js';
import { inSeconds } from '../lib/time-units.js';

/** Flags of notifications, as they were typed. Each has an environment variable as well. */
export interface NotifyFlags {
  notifyWebhook?: string;
  notifyWebhookFile?: string;
  notifyWebhookHeadersFile?: string;
  notifyCommand?: string[];
  notifyAfter?: string;
  notifyRemind?: string;
}

/** Where notifications go, and when. */
export interface NotifySettings {
  /** `url` may be a secret. Only `to` is shown. */
  webhook?: { url: string; to: string; headers: Record<string, string> };
  command?: { program: string; args: string[] };
  /** How long something must last before it is told, in milliseconds. */
  afterMs: number;
  /** When something that lasts is told again, in milliseconds; undefined: never. */
  remindMs: number | undefined;
}

const AFTER = '60s';
const REMIND = '24h';
/** Headers that a notification has by itself. */
const OWN_HEADERS = ['content-type', 'content-length', 'host', 'user-agent'];

type Env = NodeJS.ProcessEnv;

/**
 * The settings of notifications from flags and environment; flags come first. Undefined when neither names a webhook
 * or a command.
 * @throws UsageError
 */
export function notifySettings(flags: NotifyFlags, env: Env): NotifySettings | undefined {
  const webhook = webhookOf(flags, env);
  const command = commandOf(flags, env);
  const after = pick(flags.notifyAfter, '--notify-after', env, 'AFTER');
  const remind = pick(flags.notifyRemind, '--notify-remind', env, 'REMIND');
  const afterMs = timeOf(after?.text ?? AFTER, after?.from ?? '');
  const remindMs = timeOf(remind?.text ?? REMIND, remind?.from ?? '');
  if (!webhook && !command) return undefined;
  return {
    ...(webhook ? { webhook } : {}),
    ...(command ? { command } : {}),
    ...{ afterMs, remindMs: remindMs === 0 ? undefined : remindMs },
  };
}

/** A setting and where it comes from. An empty variable is none. */
function pick(flag: string | undefined, name: string, env: Env, variable: string) {
  if (flag !== undefined) return { text: flag, from: name };
  const from = `APTOS_BACKUP_NOTIFY_${variable}`;
  const text = env[from];
  return text ? { text, from } : undefined;
}

function webhookOf(flags: NotifyFlags, env: Env): NotifySettings['webhook'] {
  const named = pick(flags.notifyWebhook, '--notify-webhook', env, 'WEBHOOK');
  const file = pick(flags.notifyWebhookFile, '--notify-webhook-file', env, 'WEBHOOK_FILE');
  const headers = pick(
    flags.notifyWebhookHeadersFile,
    ...(['--notify-webhook-headers-file', env, 'WEBHOOK_HEADERS_FILE'] as const),
  );
  if (named && file) {
    throw new UsageError(`give one of ${named.from} and ${file.from}, not both`);
  }
  const given = file ? { ...file, text: read(file).trim() } : named;
  if (!given && headers)
    throw new UsageError(`${headers.from} needs a webhook: --notify-webhook URL`);
  return given && { ...urlOf(given), headers: headers ? headersOf(headers) : {} };
}

interface Given {
  text: string;
  from: string;
}

/** Messages do not repeat the URL: with some services, whoever knows it may send. */
function urlOf({ text, from }: Given): { url: string; to: string } {
  // URL itself takes new lines and tabs out: of two lines it makes one URL, which leads nowhere.
  if (/\s/.test(text)) {
    throw new UsageError(`${from} must be one URL, without blanks and new lines`);
  }
  if (!URL.canParse(text)) throw new UsageError(`${from} must be a URL like https://HOST/PATH`);
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new UsageError(`${from} must begin with https:// or http://, not ${url.protocol}//`);
  }
  if (url.username !== '' || url.password !== '') {
    const instead = 'put "Authorization: ..." into --notify-webhook-headers-file FILE instead';
    throw new UsageError(`${from} must not hold a user or a password: ${instead}`);
  }
  return { url: url.href, to: url.origin };
}

/** One header a line, `Name: value`. Lines that are empty or begin with # are left out. */
function headersOf(file: Given): Record<string, string> {
  const headers = new Headers();
  for (const [index, line] of read(file).split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, value = ''] = /^([^:\s]+):\s*(.*?)\s*$/.exec(line) ?? [];
    const where = `${file.from} ${file.text}, line ${index + 1}`;
    if (name === undefined) throw new UsageError(`${where}: a header is written "Name: value"`);
    if (OWN_HEADERS.includes(name.toLowerCase())) {
      throw new UsageError(`${where}: ${name} cannot be set`);
    }
    try {
      headers.set(name, value);
    } catch {
      throw new UsageError(`${where}: the header has signs that HTTP does not allow`);
    }
  }
  return Object.fromEntries(headers.entries());
}

/** A program and its arguments. One text that begins with [ is a JSON list of them. */
function commandOf({ notifyCommand: given }: NotifyFlags, env: Env): NotifySettings['command'] {
  const named = pick(undefined, '', env, 'COMMAND');
  const words = given ?? (named ? [named.text] : []);
  if (words.length === 0) return undefined;
  const from = given ? '--notify-command' : named!.from;
  const list = words.length === 1 && words[0]!.startsWith('[') ? listOf(words[0]!, from) : words;
  const [program = '', ...args] = list;
  if (program === '') throw new UsageError(`${from} must name a program`);
  return { program, args };
}

function listOf(text: string, from: string): string[] {
  const wrong = `${from} must be a program and its arguments, or a JSON list like ["/usr/local/bin/page", "--now"]`;
  try {
    const list = JSON.parse(text) as unknown;
    if (Array.isArray(list) && list.every((one) => typeof one === 'string')) return list;
  } catch {
    // said below
  }
  throw new UsageError(wrong);
}

const TIME = /^(\d{1,7})([smhd])?$/;

/** Whether this is a time as notifications take it. */
export function isNotifyTime(text: string): boolean {
  return TIME.test(text);
}

/** Milliseconds of "90", "90s", "5m", "12h", "7d" or "0". @throws UsageError */
function timeOf(text: string, from: string): number {
  const [, count, unit = 's'] = TIME.exec(text) ?? [];
  if (count !== undefined) return inSeconds(count, unit) * 1_000;
  throw new UsageError(`${from} must be seconds or a time like 5m, 12h or 7d, not "${text}"`);
}

function read({ text: file, from }: Given): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${from} ${file}: ${systemWords(error, 'read')}`);
  }
}
