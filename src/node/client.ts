import type { Socket } from 'node:net';
import { NodeError } from './node-error.js';
import type { NodeGate } from './gate.js';
import type { NodeErrorCode } from '../errors/catalogue.js';
import { type Connections, get, openConnections } from './http.js';
import { Tries } from './retry.js';
import { type StreamLimits, readStream, readValue } from './stream.js';
import { timed } from './traffic.js';

/** Epoch and version of a node's newest ledger info. */
export interface DbState {
  epoch: bigint;
  committedVersion: bigint;
}

export interface NodeClientOptions {
  /** URL of the backup service. */
  address: string;
  /** How long to wait until an answer begins. @default 30 s */
  headersTimeoutMs?: number;
  /** How long to wait for the next bytes of an answer. @default 30 s */
  stallTimeoutMs?: number;
  /** Least bytes per second, measured over `floorWindowMs` of waiting for the node. @default 1024 */
  minBytesPerSecond?: number;
  /** @default 60 s */
  floorWindowMs?: number;
  /** Largest record that is accepted. @default 256 MiB */
  maxRecordBytes?: number;
  /** The first pause before a request is made again; later ones are longer. @default 40 ms */
  retryPauseMs?: number;
  /** The service at this address has answered before, so a wrong answer may come from a proxy. @default false */
  known?: boolean;
  /** Limits what is asked of the node. @default none */
  gate?: NodeGate | undefined;
}

export interface StreamForm {
  /** Where streams are limited, it ends with GaveWay when others need its place. @default false */
  givesWay?: boolean;
}

/**
 * Client of a node's backup service (docs/formats.md, Backup service).
 *
 * Streams give the bytes of records with their length prefixes, at the pace of the reader. A stream ends without an
 * error only if the node sent exactly the records that were asked for. The client does not cut a range to what the
 * node has: callers compare it with `dbState` first.
 *
 * The client repeats a request a few times within seconds if its failure may pass (node/retry.ts). It does not once the
 * reader has got a part of the answer. All methods throw NodeError, or the signal's reason within a
 * second after it aborts.
 */
export class NodeClient {
  private readonly connections: Connections;
  private readonly address: string;
  private readonly headersTimeoutMs: number;
  private readonly limits: StreamLimits;
  private readonly retryPauseMs: number | undefined;
  private readonly gate: NodeGate | undefined;
  private known: boolean;

  constructor(options: NodeClientOptions) {
    this.connections = openConnections(options.address);
    this.address = options.address.replace(/\/+$/, '');
    this.headersTimeoutMs = options.headersTimeoutMs ?? 30_000;
    this.retryPauseMs = options.retryPauseMs;
    this.known = options.known ?? false;
    this.gate = options.gate;
    this.limits = {
      stallTimeoutMs: options.stallTimeoutMs ?? 30_000,
      minBytesPerSecond: options.minBytesPerSecond ?? 1024,
      floorWindowMs: options.floorWindowMs ?? 60_000,
      maxRecordBytes: options.maxRecordBytes ?? 256 * 1024 * 1024,
    };
  }

  /** Epoch and version of the newest ledger info; undefined when the node has none yet. */
  async dbState(signal?: AbortSignal): Promise<DbState | undefined> {
    const { url, bytes } = await this.value('/db_state', signal);
    if (bytes.length === 1 && bytes[0] === 0) return undefined;
    if (bytes.length !== 17 || bytes[0] !== 1) throw badAnswer(url, bytes, 'a database state');
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return { epoch: view.getBigUint64(1, true), committedVersion: view.getBigUint64(9, true) };
  }

  /** Ledger infos that end epochs `start` to `end - 1`. */
  epochEndings(
    start: bigint,
    end: bigint,
    signal?: AbortSignal,
    form?: StreamForm,
  ): AsyncGenerator<Uint8Array> {
    return this.stream(`/epoch_ending_ledger_infos/${start}/${end}`, end - start, signal, form);
  }

  /** Transactions `start` to `start + count - 1`. */
  transactions(
    start: bigint,
    count: bigint,
    signal?: AbortSignal,
    form?: StreamForm,
  ): AsyncGenerator<Uint8Array> {
    return this.stream(`/transactions/${start}/${count}`, count, signal, form);
  }

  /** State items `start` to `start + limit - 1` at `version`, in the order of their key hashes. */
  stateChunk(
    version: bigint,
    start: bigint,
    limit: bigint,
    signal?: AbortSignal,
    form?: StreamForm,
  ): AsyncGenerator<Uint8Array> {
    return this.stream(`/state_snapshot_chunk/${version}/${start}/${limit}`, limit, signal, form);
  }

  /** Proof of transactions `first` to `last`, in BCS. */
  async transactionRangeProof(
    first: bigint,
    last: bigint,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    return (await this.value(`/transaction_range_proof/${first}/${last}`, signal)).bytes;
  }

  /** How many items the state has at `version`. */
  async stateItemCount(version: bigint, signal?: AbortSignal): Promise<bigint> {
    const { url, bytes } = await this.value(`/state_item_count/${version}`, signal);
    if (bytes.length !== 8) throw badAnswer(url, bytes, 'a count');
    return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  }

  /** Proof of all state items up to the one with this key hash, in BCS. */
  async stateRangeProof(
    version: bigint,
    keyHash: Uint8Array,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const key = Buffer.from(keyHash).toString('hex');
    return (await this.value(`/state_range_proof/${version}/${key}`, signal)).bytes;
  }

  /** Proof of the state root at `version`, in BCS. */
  async stateRootProof(version: bigint, signal?: AbortSignal): Promise<Uint8Array> {
    return (await this.value(`/state_root_proof/${version}`, signal)).bytes;
  }

  /** Closes all connections, also those in use. */
  close(): void {
    this.connections.destroy();
  }

  /** Closes idle connections now, and the others when they become idle. The client can still be used. */
  retire(): void {
    this.connections.on('free', (socket: Socket) => socket.destroy());
    for (const sockets of Object.values(this.connections.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy();
    }
  }

  private async *stream(
    path: string,
    count: bigint,
    signal: AbortSignal | undefined,
    { givesWay }: StreamForm = {},
  ): AsyncGenerator<Uint8Array> {
    const slot = await this.gate?.stream(signal, givesWay);
    // The reader may be busy, and does not ask for the next part.
    slot?.lost.addEventListener('abort', () => slot.end());
    const within = slot ? AbortSignal.any([slot.lost, ...(signal ? [signal] : [])]) : signal;
    const { limits, gate } = this;
    const tries = new Tries(this.retryPauseMs, within);
    try {
      for (;;) {
        try {
          const answer = await this.get(path, 'NODE_ABORTED_BEFORE_FIRST_RECORD', tries, within);
          yield* readStream(answer.body, { ...answer, count, limits, signal: within, gate });
          return;
        } catch (error) {
          await tries.next(error);
        }
      }
    } finally {
      slot?.end();
    }
  }

  private async value(path: string, signal: AbortSignal | undefined) {
    const { limits, gate } = this;
    const tries = new Tries(this.retryPauseMs, signal);
    for (;;) {
      try {
        const answer = await this.get(path, 'NODE_STREAM_CUT', tries, signal);
        const { url, body } = answer;
        return { url, bytes: await readValue(body, { ...answer, limits, signal, gate }) };
      } catch (error) {
        await tries.next(error);
      }
    }
  }

  /** Waits until the answer begins. The first part of a path is the endpoint's name. */
  private async get(
    path: string,
    onClosed: NodeErrorCode,
    tries: Tries,
    signal: AbortSignal | undefined,
  ) {
    const url = `${this.address}${path}`;
    const endpoint = path.split('/')[1]!;
    const { connections, headersTimeoutMs, known, gate } = this;
    if (gate) await tries.excuse(() => gate.pass({ requests: 1 }, signal));
    const body = await timed(`backup_service_client_get_${endpoint}`, () =>
      get(connections, { url, timeoutMs: headersTimeoutMs, onClosed, known }, signal),
    );
    this.known = true;
    return { url, endpoint, body };
  }
}

function badAnswer(url: string, bytes: Uint8Array, wanted: string): NodeError {
  const start = Buffer.from(bytes.subarray(0, 24)).toString('hex');
  const why = `${bytes.length} bytes that are not ${wanted}: ${start}; is this a backup service?`;
  return new NodeError('NODE_BAD_ANSWER', url, why, undefined);
}
