import { Agent, type IncomingMessage, request } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { Readable, pipeline } from 'node:stream';

/** A connection gets bytes in slices, so that we see its progress. */
const SLICE_BYTES = 64 * 1024;

const agent = new Agent({ keepAlive: true });
const tlsAgent = new TlsAgent({ keepAlive: true });

export interface HttpRequest {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: readonly Uint8Array[];
}

/**
 * Sends a request, and calls `alive` whenever bytes of its body go. Returns the answer as a stream, never unpacked.
 * The stream fails when the answer breaks off. (The auth library's own client only falls silent then.)
 */
export function sendRequest(
  { method, url, headers, body }: HttpRequest,
  signal: AbortSignal,
  alive: () => void,
): Promise<IncomingMessage> {
  const bytes = body.reduce((sum, { length }) => sum + length, 0);
  const length: Record<string, string> = bytes > 0 ? { 'Content-Length': `${bytes}` } : {};
  const options = { method, headers: { ...headers, ...length }, signal };
  return new Promise((resolve, reject) => {
    const sending =
      url.protocol === 'https:'
        ? tlsRequest(url, { ...options, agent: tlsAgent })
        : request(url, { ...options, agent });
    sending.once('response', resolve);
    sending.on('error', reject);
    pipeline(Readable.from(slices(body, alive), { objectMode: false }), sending, (error) => {
      if (error) reject(error);
    });
  });
}

function* slices(body: readonly Uint8Array[], alive: () => void): Generator<Uint8Array> {
  for (const part of body) {
    for (let at = 0; at < part.length; at += SLICE_BYTES) {
      alive();
      yield part.subarray(at, at + SLICE_BYTES);
    }
  }
}

/** The content of a small answer. */
export async function textOf(
  answer: AsyncIterable<Buffer>,
  mostBytes: number,
  alive: () => void,
): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of answer) {
    alive();
    parts.push(part);
    bytes += part.length;
    if (bytes > mostBytes) break;
  }
  return Buffer.concat(parts).toString();
}
