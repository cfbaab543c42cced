import type { ServerResponse } from 'node:http';

/** The real service flushes its buffer whenever it holds so many bytes. */
export const FLUSH_BYTES = 10_240;

/** Sends a status without content; only 405 has a text. */
export function sendStatus(res: ServerResponse, status: 400 | 404 | 405 | 500): void {
  const text = status === 405 ? 'HTTP method not allowed' : '';
  begin(res, status, {
    ...(text ? { 'content-type': 'text/plain; charset=utf-8' } : {}),
    'content-length': `${text.length}`,
  });
  res.end(text);
}

export function sendValue(res: ServerResponse, bytes: Uint8Array): void {
  begin(res, 200, {
    'content-type': 'application/octet-stream',
    'content-length': `${bytes.length}`,
  });
  res.end(bytes);
}

/** Sends the status line and headers of a stream at once, before its content. */
export function beginStream(res: ServerResponse): void {
  begin(res, 200, endsWithConnection(res) ? {} : { 'transfer-encoding': 'chunked' });
  res.flushHeaders();
}

/** Sends exactly the headers that the real service sends. */
export function begin(res: ServerResponse, status: number, headers: Record<string, string>): void {
  res.sendDate = false;
  res.removeHeader('connection');
  res.writeHead(status, { ...headers, date: new Date().toUTCString() });
}

/**
 * HTTP/1.0 knows no chunks: there the end of the connection ends a stream, as in the real service. Such a client cannot
 * see that a stream broke off.
 */
function endsWithConnection({ req }: ServerResponse): boolean {
  return req.httpVersion === '1.0';
}

/** Closes the connection where it is, without the last HTTP chunk: so a client sees that a stream broke off. */
export function breakOff(res: ServerResponse): void {
  res.socket?.end();
}

/** Sends bytes, and waits for a slow reader. Returns when the reader is gone, too. */
export async function write(res: ServerResponse, bytes: Uint8Array): Promise<void> {
  if (res.write(bytes) || res.destroyed) return;
  await new Promise<void>((resolve) => {
    const go = () => {
      res.off('drain', go).off('close', go);
      resolve();
    };
    res.on('drain', go).on('close', go);
  });
}

/** Records with their length prefixes, one after another. `ends`: where each ends in `bytes`. */
interface Records {
  bytes: Uint8Array;
  ends: readonly number[];
}

/**
 * Sends records as the real service does, and ends the stream: a part is flushed with the record that brings it to
 * FLUSH_BYTES. Stops early when the reader is gone. What was not flushed when `blocks` throws is not sent.
 */
export async function sendRecords(
  res: ServerResponse,
  blocks: AsyncIterable<Records>,
): Promise<void> {
  let pending: Uint8Array[] = [];
  let held = 0;
  for await (const { bytes, ends } of blocks) {
    let start = 0;
    for (const end of ends) {
      if (held + end - start < FLUSH_BYTES) continue;
      pending.push(bytes.subarray(start, end));
      await write(res, Buffer.concat(pending));
      if (res.destroyed) return;
      pending = [];
      held = 0;
      start = end;
    }
    if (start === bytes.length) continue;
    pending.push(bytes.subarray(start));
    held += bytes.length - start;
  }
  if (held > 0) await write(res, Buffer.concat(pending));
  res.end();
}
