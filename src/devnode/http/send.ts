import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { FLUSH_BYTES, begin, breakOff, write } from '../../backup-service/send.js';
import type { PackedStrings } from '../chain/packed.js';

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
      if (cutAt !== undefined) breakOff(res);
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

async function drip(res: ServerResponse, bytes: Uint8Array, perSecond: number): Promise<void> {
  const step = Math.max(1, Math.floor(perSecond / 10));
  for (let at = 0; at < bytes.length && !res.destroyed; at += step) {
    await write(res, bytes.subarray(at, at + step));
    await sleep(100);
  }
}
