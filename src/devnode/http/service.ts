import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  decodeStateRootProof,
  decodeTransactionRangeProof,
  encodeStateRootProof,
  encodeTransactionRangeProof,
} from '../../aptos/index.js';
import type { Fault, Faults } from '../faults.js';
import { type Endpoint, parsePath } from '../../backup-service/request.js';
import { beginStream, breakOff, sendStatus, sendValue } from '../../backup-service/send.js';
import { StreamSlots } from '../../backup-service/stream-slots.js';
import type { Load } from '../load.js';
import { type Answer, type Served, answer } from './answers.js';
import { type Tampering, sendFrames, sendThrottled } from './send.js';

export interface ServiceOptions {
  served: Served;
  /** The forged chain for the faults that lie. Built at the first call. */
  forged: () => Served;
  faults: Faults;
  load: Load;
  onDie: () => void;
}

/** Creates the backup service of a simulated node, with its faults. */
export function createService(options: ServiceOptions): Server {
  const streams = new StreamSlots();
  const server = createServer((req, res) => {
    handle(req, res, options, streams).catch(() => res.destroy());
  });
  server.keepAliveTimeout = 0;
  return server;
}

async function handle(
  req: IncomingMessage,
  res: ServerResponse,
  options: ServiceOptions,
  streams: StreamSlots,
): Promise<void> {
  if (req.method !== 'GET') return sendStatus(res, 405);
  const url = req.url ?? '/';
  const request = parsePath(url);
  if (!request) return sendStatus(res, 404);
  options.load.request(url, res);
  const { endpoint, params } = request;
  const { fault, delayMs } = options.faults.pick(endpoint);
  if (delayMs > 0) await sleep(delayMs);
  if (res.destroyed) return;
  switch (fault?.kind) {
    case 'refuse':
      req.socket.resetAndDestroy();
      return;
    case 'die':
      return options.onDie();
    case 'error500':
      return sendStatus(res, 500);
    case 'throttle':
      return sendThrottled(res, options.faults.below(2) === 0 ? 429 : 503, fault.retry_after);
    default:
      return reply(res, answerOrLie(options, endpoint, params, fault), fault, options, streams);
  }
}

/** The node's answer, true or false. */
function answerOrLie(
  options: ServiceOptions,
  endpoint: Endpoint,
  params: string[],
  fault: Fault | undefined,
): Answer {
  const honest = () => answer(options.served, endpoint, params);
  switch (fault?.kind) {
    case 'swap':
      return answer(options.served, endpoint, shifted(endpoint, params));
    case 'lie':
      return answer(options.forged(), endpoint, params);
    case 'lie_genuine_ledger_info':
      return withLedgerInfoOf(honest(), answer(options.forged(), endpoint, params), endpoint);
    default:
      return honest();
  }
}

/** The parameters of the same request, moved on by one record. Other endpoints than these stay as they are. */
function shifted(endpoint: Endpoint, params: string[]): string[] {
  const further = (i: number) =>
    params.map((value, k) => (k === i ? `${BigInt(value) + 1n}` : value));
  switch (endpoint) {
    case 'transactions':
      return further(0);
    case 'state_snapshot_chunk':
      return further(1);
    case 'transaction_range_proof':
    case 'epoch_ending_ledger_infos':
      return params.map((value) => `${BigInt(value) + 1n}`);
    default:
      return params;
  }
}

/** Puts the genuine ledger info into a forged proof. */
function withLedgerInfoOf(honest: Answer, forged: Answer, endpoint: Endpoint): Answer {
  if (honest.kind !== 'value' || forged.kind !== 'value') return forged;
  if (endpoint === 'transaction_range_proof') {
    const { leftSiblings, rightSiblings } = decodeTransactionRangeProof(forged.bytes);
    const { ledgerInfo } = decodeTransactionRangeProof(honest.bytes);
    const bytes = encodeTransactionRangeProof(leftSiblings, rightSiblings, ledgerInfo.bytes);
    return { kind: 'value', bytes };
  }
  if (endpoint === 'state_root_proof') {
    const { siblings, transactionInfo } = decodeStateRootProof(forged.bytes);
    const { ledgerInfo } = decodeStateRootProof(honest.bytes);
    const bytes = encodeStateRootProof(siblings, transactionInfo.bytes, ledgerInfo.bytes);
    return { kind: 'value', bytes };
  }
  return forged;
}

async function reply(
  res: ServerResponse,
  said: Answer,
  fault: Fault | undefined,
  options: ServiceOptions,
  streams: StreamSlots,
): Promise<void> {
  switch (said.kind) {
    case 'status':
      return sendStatus(res, said.status);
    case 'drop':
      return breakOff(res);
    case 'abort':
      // The real service does one of two things: it closes before the status line, or after a 200.
      if (options.faults.below(2) === 0) beginStream(res);
      return breakOff(res);
    case 'value':
      return replyValue(res, said.bytes, fault, options);
    case 'stream':
      options.load.stream(res);
      beginStream(res);
      await streams.use(res, async () => {
        const span = spanOf(said, fault);
        const tampering = tamperingOf(fault, sizeOf(said, span), options.faults);
        // `long` sends one record too many. If no record follows, it sends the first one again.
        if (fault?.kind === 'long' && span.to === said.to && span.to > span.from) {
          tampering.appended = said.frames.at(span.from);
        }
        await sendFrames(res, said.frames, span, tampering);
        if (!res.writableEnded) await closed(res);
      });
  }
}

function replyValue(
  res: ServerResponse,
  value: Uint8Array,
  fault: Fault | undefined,
  { faults }: ServiceOptions,
): void {
  const bytes = Buffer.from(value);
  switch (fault?.kind) {
    case 'stall':
      return;
    case 'flip':
      bytes[faults.below(bytes.length)]! ^= 0x01;
      return sendValue(res, bytes);
    case 'short':
      return sendValue(res, bytes.subarray(0, bytes.length - 1));
    case 'long':
      return sendValue(res, Buffer.concat([bytes, Uint8Array.of(0)]));
    case 'cut':
      res.sendDate = false;
      res.writeHead(200, { 'content-length': `${bytes.length}` });
      res.write(bytes.subarray(0, bytes.length >> 1), () => res.socket?.end());
      return;
    default:
      return sendValue(res, bytes);
  }
}

type Stream = Extract<Answer, { kind: 'stream' }>;

function spanOf(stream: Stream, fault: Fault | undefined): { from: number; to: number } {
  const { frames, from, to } = stream;
  if (fault?.kind === 'short') return { from, to: Math.max(from, to - 1) };
  if (fault?.kind === 'long') return { from, to: Math.min(to + 1, frames.count) };
  return { from, to };
}

function sizeOf(stream: Stream, { from, to }: { from: number; to: number }): number {
  let bytes = 0;
  for (let i = from; i < to; i += 1) bytes += stream.frames.at(i).length;
  return bytes;
}

function tamperingOf(fault: Fault | undefined, size: number, faults: Faults): Tampering {
  switch (fault?.kind) {
    case 'flip':
      return size > 0 ? { flipAt: faults.below(size) } : {};
    case 'cut':
      return { cutAt: Math.max(0, size - 1 - faults.below(Math.max(1, size >> 1))) };
    case 'stall':
      return { stallAt: faults.below(Math.max(1, size)) };
    case 'slow':
      return { bytesPerSecond: fault.bytes_per_second };
    default:
      return {};
  }
}

function closed(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (res.destroyed) resolve();
    else res.once('close', resolve);
  });
}
