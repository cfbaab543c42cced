/** A line of the stock tool's log: `TIME [thread] LEVEL file:line words {"json":...}`. */
const LINE =
  /^(\d{4}-\d\d-\d\dT\S+Z) (?:\[[^\]]*\] )?(?:TRACE|DEBUG|INFO|WARN|ERROR) \S+:\d+ (.*?)(?: (\{.*\}))?$/;
const COLOURS = /\u001b\[[0-9;]*m/g;
const FAILED = /^Error: |panicked at|^Restore coordinator failed/;
const LINES_KEPT = 12;
const MOST_WORDS = 400;

/** How long something took, and how much it was. */
interface Work {
  amount: number;
  seconds: number;
}

/**
 * What a restore by the stock tool has said so far. It prints its log to stdout and its last error to stderr; all
 * lines go through here, in the order of their arrival.
 */
export class StockLog {
  /** What it does, in its own words. */
  phase = 'starting';
  /** The highest version that it has stored or executed. */
  version: bigint | undefined;
  /** The state root of the new database, and its version. */
  root: { hash: string; version: bigint } | undefined;
  succeeded = false;
  /** Its words about why it failed. */
  failure: string | undefined;
  readonly items: Work = { amount: 0, seconds: 0 };
  readonly saved: Work = { amount: 0, seconds: 0 };
  readonly replayed: Work = { amount: 0, seconds: 0 };
  readonly executed: Work = { amount: 0, seconds: 0 };
  private readonly lines: string[] = [];
  private since = NaN;
  private begins: bigint | undefined;

  /** `hide`: hides secrets in what people are shown. The tool passes on what the commands of an adapter say. */
  constructor(private readonly hide: (text: string) => string = (text) => text) {}

  /** The last lines, shortened. */
  get last(): string[] {
    return this.lines.map((line) => this.hide(line).slice(0, MOST_WORDS));
  }

  take(raw: string): void {
    const line = raw.replace(COLOURS, '').trimEnd();
    if (line === '') return;
    this.lines.push(line);
    if (this.lines.length > LINES_KEPT) this.lines.shift();
    const [, time, words = line, json] = LINE.exec(line) ?? [];
    if (FAILED.test(words)) this.failure = this.hide(wordsOf(words, json)).slice(0, MOST_WORDS);
    if (time !== undefined) this.note(Date.parse(time) / 1000, words, fieldsOf(json));
  }

  private note(at: number, words: string, fields: Record<string, unknown>): void {
    const version = versionIn(fields['version']);
    switch (words) {
      case 'Restore coordinator exiting with success.':
        this.succeeded = true;
        return;
      case 'StateStore initialization finished.':
        this.noteRoot(fields);
        return;
      case 'State chunk added.':
        this.phase = 'restoring state';
        this.items.amount += this.itemsSince(fields);
        this.items.seconds += this.secondsTo(at);
        return;
      case 'Transactions saved.':
        this.phase = 'saving transactions';
        this.count(this.saved, version, at);
        return;
      case 'KV replayed.':
        this.phase = 'replaying write sets';
        this.count(this.replayed, version, at);
        return;
      case 'Transactions replayed.':
        this.phase = 'executing transactions';
        this.count(this.executed, version, at);
        return;
      default:
        this.noteStart(at, words);
    }
  }

  private noteStart(at: number, words: string): void {
    if (/^(epoch history|state snapshot|transaction) restore started/.test(words)) {
      this.phase = words.replace(/ started.*/, '');
      this.since = at;
      this.indexes = -1;
      this.begins = undefined;
    }
  }

  private indexes = -1;

  private itemsSince({ last_idx: last }: Record<string, unknown>): number {
    const items = typeof last === 'number' ? last - this.indexes : 0;
    if (typeof last === 'number') this.indexes = last;
    return items;
  }

  private count(work: Work, version: bigint | undefined, at: number): void {
    // Where it begins is not in the log: the first line of a step only starts the count.
    if (version !== undefined && this.begins !== undefined && version > this.begins) {
      work.amount += Number(version - this.begins);
      work.seconds += this.secondsTo(at);
    }
    this.begins = version;
    this.since = at;
    this.noteVersion(version);
  }

  private noteVersion(version: bigint | undefined): void {
    if (version === undefined) return;
    if (this.version === undefined || version > this.version) this.version = version;
  }

  private noteRoot(fields: Record<string, unknown>): void {
    const version = versionIn(fields['latest_snapshot_version']);
    const hash = fields['latest_snapshot_root_hash'];
    if (version !== undefined && typeof hash === 'string') this.root = { hash, version };
  }

  private secondsTo(at: number): number {
    const seconds = Number.isNaN(this.since) ? 0 : Math.max(0, at - this.since);
    this.since = at;
    return seconds;
  }
}

/** How much a second; undefined when too little was seen. */
export function rateOf({ amount, seconds }: Work): number | undefined {
  return amount > 0 && seconds > 0 ? amount / seconds : undefined;
}

function wordsOf(words: string, json: string | undefined): string {
  const { error } = fieldsOf(json);
  return typeof error === 'string' ? error : words.replace(/^Error: /, '');
}

function fieldsOf(json: string | undefined): Record<string, unknown> {
  if (json === undefined) return {};
  try {
    return JSON.parse(json) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** A version in its JSON. Above 2^53 it would not be exact, and counts as unknown. */
function versionIn(value: unknown): bigint | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? BigInt(value)
    : undefined;
}
