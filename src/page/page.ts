import type { IncomingMessage, ServerResponse } from 'node:http';
import { exitCodeOf, messageOf } from '../client/command-failure.js';
import type { PageStatus } from '../contract/answers/page-answers.js';
import type { LiveStatus } from '../contract/answers/shown-answers.js';
import { parseU64 } from '../lib/u64.js';
import type { HealthServer } from '../monitor/health-server.js';
import { parseControl, runControl } from './controls.js';
import { EventLog } from './event-log.js';
import { type Followed, FollowedStorage } from './followed-storage.js';
import { pageFileOf, readPage, writePage } from './kept-page.js';
import { closedTo, refusalOf } from './may-control.js';
import { PAGE_HEADERS, pageFile } from './static-files.js';
import { StreamHistory } from './stream-history.js';

const JSON_TYPE = 'application/json';
const TEXT = 'text/plain; charset=utf-8';
const MOST_ASKED = 4_096;
/** What a kill takes from the curves and events of the page. */
const KEEP_MS = 60_000;
const NO_STORAGE = 'this process follows no storage: see the page of "up" or "continuously"';

interface Answer {
  code: number;
  type: string;
  body: string | Buffer;
}

/**
 * The page for people, beside the health: `/` and its files, `/status.json`, `/coverage.json`, and `/control` for
 * what the page asks for. A page of a process that follows no storage shows workers alone.
 */
export class Page {
  private readonly history = new StreamHistory();
  private readonly events = new EventLog();
  private followed: FollowedStorage | undefined;
  private heardAt: string | undefined;
  private file: string | undefined;
  private keptAt = -Infinity;

  /** `token`: what a control must name. `say`: tells the operator what was asked on the page. */
  constructor(
    private readonly server: Pick<HealthServer, 'json' | 'host'>,
    private readonly options: { token: string | undefined; say: (line: string) => void },
  ) {}

  /** From now on the page shows a storage, with what processes before this one saw of it. */
  follow(followed: Followed): void {
    this.followed = new FollowedStorage(followed);
    this.file = pageFileOf(followed.folder, this.followed.workflowId);
    const kept = readPage(this.file);
    if (!kept) return;
    this.history.goOnWith(kept.history, performance.now(), Date.now());
    this.events.goOnWith(kept.events);
  }

  /** Keeps in the data folder what the next process shall show, too. */
  keep(): void {
    if (this.file === undefined || this.heardAt === undefined) return;
    this.keptAt = performance.now();
    const kept = { version: 1 as const, history: this.history.kept(), events: this.events.kept() };
    try {
      writePage(this.file, kept);
    } catch {
      // Without room the page forgets more, and nothing else is worse for that.
    }
  }

  /** Takes a status that was just read. */
  heard(status: LiveStatus): void {
    this.heardAt = new Date().toISOString();
    this.history.note(status, performance.now(), Date.now());
    this.events.heard(status, Date.now());
  }

  /** Looks whether workers have died. Nobody may have the page open when they do. */
  look(): void {
    this.events.workers(this.server.json().workers ?? []);
    if (performance.now() - this.keptAt >= KEEP_MS) this.keep();
  }

  /** Answers a request, if it is one for the page. */
  readonly answer = (request: IncomingMessage, response: ServerResponse): boolean => {
    const work = this.find(request);
    if (!work) return false;
    const send = ({ code, type, body }: Answer) =>
      response.writeHead(code, { ...PAGE_HEADERS, 'content-type': type }).end(body);
    work.then(send, (error: unknown) => send(text(502, messageOf(error))));
    return true;
  };

  private find(request: IncomingMessage): Promise<Answer> | undefined {
    const url = `http://page${request.url ?? '/'}`;
    if (!URL.canParse(url)) return undefined;
    const { pathname, searchParams } = new URL(url);
    if (pathname === '/control') return this.control(request);
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
    if (pathname === '/status.json') return this.status();
    if (pathname === '/coverage.json') return this.coverage(searchParams);
    const file = pageFile(pathname === '/' ? 'index.html' : pathname.replace(/^\/page\//, ''));
    return file && Promise.resolve({ code: 200, ...file });
  }

  private async status(): Promise<Answer> {
    const health = this.server.json();
    this.events.workers(health.workers ?? []);
    const around = await this.followed?.around(health.status, !health.workers);
    const { running = [], ended = [], units = [], pollers } = around ?? {};
    const refused = this.followed ? closedTo(this.place()) : NO_STORAGE;
    const temporal = this.followed?.temporal;
    const told: PageStatus = {
      ...health,
      at: new Date().toISOString(),
      ...(this.heardAt === undefined
        ? {}
        : { heard_at: this.heardAt, history: this.history.told() }),
      ...(pollers ? { pollers } : {}),
      ...{ units, running, events: this.events.told(ended, Date.now()) },
      ...(temporal ? { temporal } : {}),
      controls: {
        ...(refused === undefined ? {} : { refused }),
        token: this.options.token !== undefined,
      },
    };
    return json(told);
  }

  private async coverage(asked: URLSearchParams): Promise<Answer> {
    if (!this.followed) return text(404, NO_STORAGE);
    const [first, last] = ['first', 'last'].map((name) => {
      const value = asked.get(name);
      return value === null ? undefined : (parseU64(value) ?? 'bad');
    });
    if (first === 'bad' || last === 'bad' || (first ?? 0n) > (last ?? first ?? 0n)) {
      return text(400, 'first and last must be versions, the smaller one first');
    }
    const window = {
      ...(first === undefined ? {} : { first }),
      ...(last === undefined ? {} : { last }),
    };
    return json(await this.followed.stored(window, this.server.json().status));
  }

  private async control(request: IncomingMessage): Promise<Answer> {
    if (request.method !== 'POST') return text(405, 'a control must be sent with POST');
    const refused = refusalOf(request, this.place());
    if (refused) return text(refused.code, refused.why);
    const { followed } = this;
    if (!followed) return text(409, NO_STORAGE);
    const body = await bodyOf(request);
    if (body === undefined) return text(413, `a control has at most ${MOST_ASKED} bytes`);
    try {
      const asked = parseControl(body);
      const words = Object.values(asked).join(' ');
      this.options.say(`Asked on the page: ${words}`);
      const answer = await runControl(followed.client, followed.workflowId, asked);
      this.events.note({ at: new Date().toISOString(), level: 'ok', what: `page: ${answer}` });
      return text(200, answer);
    } catch (error) {
      return text(exitCodeOf(error) === 2 ? 400 : 502, messageOf(error));
    }
  }

  private place() {
    return { host: this.server.host, token: this.options.token };
  }
}

function json(value: object): Answer {
  return { code: 200, type: JSON_TYPE, body: JSON.stringify(value) };
}

function text(code: number, line: string): Answer {
  return { code, type: TEXT, body: `${line}\n` };
}

/** The body as text; undefined when it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MOST_ASKED) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
