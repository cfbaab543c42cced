import { readFileSync } from 'node:fs';
import { type Socket, connect } from 'node:net';

/** A request to the real service, and what it answered (test/fixtures/stock). */
export interface Recorded {
  method: string;
  path: string;
  status_line: string | null;
  headers: string[] | null;
  framing: string | null;
  clean_end: boolean | null;
  body_bytes: number;
  body_file?: string;
  http_chunks?: number;
  first_chunk_sizes?: number[];
}

export interface Answer {
  status: string;
  headers: string[];
  clean: boolean;
  body: Buffer;
  chunks: number[];
}

export function recordings(folder: string): Recorded[] {
  const file = new URL(`../fixtures/stock/${folder}/index.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { requests: Recorded[] }).requests;
}

/** One request over a socket of its own, read to its end. */
export async function ask(
  address: string,
  method: string,
  path: string,
  version = '1.1',
): Promise<Answer | undefined> {
  const { hostname, port } = new URL(address);
  const socket: Socket = connect(Number(port), hostname);
  const parts: Buffer[] = [];
  socket.write(`${method} ${path} HTTP/${version}\r\nhost: x\r\nconnection: close\r\n\r\n`);
  await new Promise<void>((resolve) => {
    socket.on('data', (part) => parts.push(part));
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
  });
  const all = Buffer.concat(parts);
  const split = all.indexOf('\r\n\r\n');
  if (split < 0) return undefined;
  const [status = '', ...headers] = all.subarray(0, split).toString('latin1').split('\r\n');
  const rest = all.subarray(split + 4);
  const chunked = headers.some((header) => /^transfer-encoding: chunked$/i.test(header));
  return {
    status,
    headers,
    ...(chunked ? dechunk(rest) : { body: rest, clean: true, chunks: [] }),
  };
}

function dechunk(bytes: Buffer): { body: Buffer; clean: boolean; chunks: number[] } {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf('\r\n', at);
    const size = line < 0 ? NaN : parseInt(bytes.subarray(at, line).toString('latin1'), 16);
    if (Number.isNaN(size) || size === 0) {
      const sizes = chunks.map((chunk) => chunk.length);
      return { body: Buffer.concat(chunks), clean: size === 0, chunks: sizes };
    }
    chunks.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}

/** Header names, and the values that do not depend on content and time. */
export function shape(headers: readonly string[]): string[] {
  return headers
    .filter((header) => !header.startsWith('connection:'))
    .map((header) => header.replace(/^(date|content-length): .*$/, '$1'))
    .sort();
}
