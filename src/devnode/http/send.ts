import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PackedStrings } from '../chain/packed.js';

/** The service hands its buffer on whenever it holds so much. */
const FLUSH_BYTES = 10_240;

/** A status without content, or with that of a refused method. */
export function sendStatus(res: ServerResponse, status: number): void {
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

/** Status line and headers of a stream; content follows when it follows. */
export function beginStream(res: ServerResponse): void {
  begin(res, 200, { 'transfer-encoding': 'chunked' });
  res.flushHeaders();
}

/** The headers the real service sends, and no others. */
function begin(res: ServerResponse, status: number, headers: Record<string, string>): void {
  res.sendDate = false;
  res.removeHeader('connection');
  res.writeHead(status, { ...headers, date: new Date().toUTCString() });
}

/** How a stream is tampered with on its way out. */
export interface Tampering {
  /** XOR on one byte of the whole stream. */
  flipAt?: number;
  /** Closes the connection before this byte. */
  cutAt?: number;
  /** Sends nothing from this byte on. */
  stallAt?: number;
  bytesPerSecond?: number;
  /** Sent behind everything else. */
  appended?: Uint8Array;
}

/** Sends records in the flushes of the real service, at the pace of the reader. */
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
      // A cut is a FIN without the last HTTP chunk; a stall is silence until the other side leaves.
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
