import { type IncomingMessage, type ServerResponse, createServer, request } from 'node:http';
import { listen } from '../listen.js';

/** What happens to a request: */
export type Fault =
  /** it is answered with this and never reaches the server */
  | { status: number; body?: string; headers?: Record<string, string> }
  /** its body is cut, or its connection at once when it has none */
  | 'cut request'
  /** the last byte of its body is changed */
  | 'change request'
  /** the server does it, and the answer is lost */
  | 'lose answer'
  /** the answer breaks off in its middle */
  | 'cut answer'
  /** nobody answers */
  | 'stall'
  /** the answer stops in its middle */
  | 'stall answer'
  /** it is passed on so much later */
  | { delayMs: number }
  /** the store's clock is wrong by so much, in headers and in listings */
  | { clockMs: number }
  /** the answer is changed */
  | { change: (status: number, body: string) => { status: number; body: string } };

/** A request as a test sees it. */
export interface Asked {
  method: string;
  /** With the query. */
  path: string;
  headers: IncomingMessage['headers'];
  /** Of its body, those that have come up to now. */
  bytes: number;
}

/** A proxy before a store of any kind that does to each request what `fault` says, or passes it on. */
export async function faultyProxy(
  server: string,
  fault: (asked: Asked) => Fault | undefined,
): Promise<string> {
  return listen(createServer((asked, answer) => answerThrough(server, asked, answer, fault)));
}

/** The same for one request. */
export function answerThrough(
  server: string,
  asked: IncomingMessage,
  answer: ServerResponse,
  fault: (asked: Asked) => Fault | undefined,
): void {
  asked.on('error', () => undefined);
  const seen: Asked = {
    method: asked.method!,
    path: asked.url!,
    headers: asked.headers,
    bytes: 0,
  };
  asked.on('data', (part: Buffer) => (seen.bytes += part.length));
  const chosen = fault(seen);
  if (chosen === 'stall') return void asked.resume();
  if (chosen === 'cut request') return void cutRequest(asked);
  if (typeof chosen === 'object' && 'status' in chosen) {
    asked.resume().once('end', () => {
      answer.writeHead(chosen.status, chosen.headers ?? { 'content-type': 'application/xml' });
      answer.end(chosen.body ?? '');
    });
    return;
  }
  if (typeof chosen === 'object' && 'delayMs' in chosen) {
    asked.pause();
    setTimeout(() => forward(server, asked, answer, undefined), chosen.delayMs);
    return;
  }
  forward(server, asked, answer, chosen);
}

/** Headers with other times. */
function clockMoved(headers: IncomingMessage['headers'], ms: number): IncomingMessage['headers'] {
  const moved = { ...headers };
  for (const name of ['date', 'last-modified'] as const) {
    const time = Date.parse(headers[name] ?? '');
    if (!Number.isNaN(time)) moved[name] = new Date(time + ms).toUTCString();
  }
  return moved;
}

/** A listing with other times. */
function timesMoved(body: string, ms: number): string {
  return body.replace(
    /<(LastModified|Initiated)>([^<]*)/g,
    (_, name: string, time: string) => `<${name}>${new Date(Date.parse(time) + ms).toISOString()}`,
  );
}

function cutRequest(asked: IncomingMessage): void {
  const hasBody = Number(asked.headers['content-length'] ?? 0) > 0;
  if (hasBody) asked.once('data', () => asked.socket.destroy());
  else asked.socket.destroy();
}

function forward(
  server: string,
  asked: IncomingMessage,
  answer: ServerResponse,
  fault: Exclude<Fault, { status: number } | { delayMs: number }> | undefined,
): void {
  // The header Host is a part of what is signed, and stays.
  const { method, headers } = asked;
  const passed = request(server + asked.url!, { method: method!, headers }, (given) => {
    given.on('error', () => answer.destroy());
    const status = given.statusCode!;
    if (fault === 'lose answer') {
      given.resume().once('end', () => asked.socket.destroy());
    } else if (fault === 'cut answer' || fault === 'stall answer') {
      answer.writeHead(status, given.headers);
      given.once('end', () => answer.end()); // there was nothing to cut
      given.once('data', (part: Buffer) => {
        answer.write(part.subarray(0, Math.ceil(part.length / 2)));
        given.destroy();
        if (fault === 'cut answer') setImmediate(() => asked.socket.destroy());
      });
    } else if (fault && typeof fault === 'object') {
      const isText = String(given.headers['content-type']).includes('xml');
      if ('clockMs' in fault && !isText) {
        answer.writeHead(status, clockMoved(given.headers, fault.clockMs));
        return void given.pipe(answer);
      }
      const change =
        'change' in fault
          ? fault.change
          : (same: number, body: string) => ({
              status: same,
              body: timesMoved(body, fault.clockMs),
            });
      const shift = 'clockMs' in fault ? fault.clockMs : 0;
      const parts: Buffer[] = [];
      given.on('data', (part: Buffer) => parts.push(part));
      given.once('end', () => {
        const changed = change(status, Buffer.concat(parts).toString());
        const headers = shift === 0 ? given.headers : clockMoved(given.headers, shift);
        const { 'content-length': _, 'transfer-encoding': __, ...rest } = headers;
        answer.writeHead(changed.status, rest).end(changed.body);
      });
    } else {
      answer.writeHead(status, given.headers);
      given.pipe(answer);
    }
  });
  passed.on('error', () => answer.destroy());
  if (fault !== 'change request') return void asked.pipe(passed);
  const parts: Buffer[] = [];
  asked.on('data', (part: Buffer) => parts.push(part));
  asked.once('end', () => {
    const body = Buffer.concat(parts);
    if (body.length > 0) body[body.length - 1]! ^= 1;
    passed.end(body);
  });
}
