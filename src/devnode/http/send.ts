import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PackedStrings } from '../chain/packed.js';

/** The real service flushes its buffer whenever it holds so many bytes. */
const FLUSH_BYTES = 10_240;

/** Sends a status without content; only 405 has a text. */
export function sendStatus(res: ServerResponse, status: number): void {
  const text = status === 405 ? 'HTTP method not allowed' : '';
  begin(res, status, {
    ...(text ? { 'content-type': 'text/plain; charset=utf-8' } : {}),
    'content-length': `${text.length}`,
  });
  res.end(text);
}

/** Sends what a proxy before a node sends when there are too many requests. `retryAfter` in seconds. */
export function sendThrottled(
  res: ServerResponse,
  status: 429 | 503,
  retryAfter: number | undefined,
): void {
  begin(res, status, {
    ...(retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` }),
    'content-length': '0',
  });
  res.end();
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
  begin(res, 200, { 'transfer-encoding': 'chunked' });
  res.flushHeaders();
}

/** Sends exactly the headers that the real service sends. */
function begin(res: ServerResponse, status: number, headers: Record<string, string>): void {
  res.sendDate = false;
  res.removeHeader('connection');
  res.writeHead(status, { ...headers, date: new Date().toUTCString() });
}

/** How a stream is changed while it is sent. */
export interface Tampering {
  /** Flips a bit of this byte of the stream. */
  flipAt?: number;
  /** Closes the connection before this byte. */
  cutAt?: number;
  /** Sends nothing from this byte on. */
  stallAt?: number;
  bytesPerSecond?: number;
  /** Sent after everything else. */
  appended?: Uint8Array;
}

/** Sends records in the same parts as the real service, and waits for a slow reader. */
export async function sendFrames(
  res: ServerResponse,
  frames: PackedStrings,
  span: { from: number; to: number },
  tampering: Tampering = {},
): Promise<void> {
  const { flipAt, cutAt, stallAt, bytesPerSecond } = tampering;
  let sent = 0;
  for (const part of frames.parts(span.from, span.to, FLUSH_BYTES)) {
    if (res.destroyed) return;
    let bytes = part;
    const stop = cutAt ?? stallAt;
    if (stop !== undefined && sent + bytes.length > stop) {
      bytes = bytes.subarray(0, stop - sent);
      if (bytes.length > 0) res.write(bytes);
      // A cut closes the connection without the last HTTP chunk. A stall sends nothing until the client closes.
      if (cutAt !== undefined) res.socket?.end();
      return;
    }
    if (flipAt !== undefined && flipAt >= sent && flipAt < sent + bytes.length) {
      bytes = Buffer.from(bytes);
      bytes[flipAt - sent]! ^= 0x01;
    }
    sent += bytes.length;
    if (bytesPerSecond === undefined) await write(res, bytes);
    else await drip(res, bytes, bytesPerSecond);
  }
  if (tampering.appended) await write(res, tampering.appended);
  res.end();
}

async function write(res: ServerResponse, bytes: Uint8Array): Promise<void> {
  if (res.write(bytes) || res.destroyed) return;
  await new Promise<void>((resolve) => {
    const go = () => {
      res.off('drain', go).off('close', go);
      resolve();
    };
    res.on('drain', go).on('close', go);
  });
}

async function drip(res: ServerResponse, bytes: Uint8Array, perSecond: number): Promise<void> {
  const step = Math.max(1, Math.floor(perSecond / 10));
  for (let at = 0; at < bytes.length && !res.destroyed; at += step) {
    await write(res, bytes.subarray(at, at + step));
    await sleep(100);
  }
}
