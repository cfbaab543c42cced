import type { Socket } from 'node:net';
import { NodeError, type NodeErrorCode } from './errors.js';
import { type Connections, get, openConnections } from './http.js';
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
  /** Longest wait for an answer to begin. @default 30 s */
  headersTimeoutMs?: number;
  /** Longest wait for the next bytes of an answer. @default 30 s */
  stallTimeoutMs?: number;
  /** Least bytes per second while we wait for the node, over a minute of waiting. @default 1024 */
  minBytesPerSecond?: number;
  floorWindowMs?: number;
  /** Largest record that is accepted. @default 256 MiB */
  maxRecordBytes?: number;
  /** The service is known to be there: it has answered another client. @default false */
  known?: boolean;
}

/**
 * Client of a node's backup service (docs/formats.md, Backup service). Streams give the body's bytes
 * as they come, at the pace of the reader, and end without an error only when exactly the records
 * that were asked for came whole. Ranges are never cut to what the node has: callers compare with
 * `dbState` first. All methods throw NodeError, or the signal's reason within a second of its abort.
 */
export class NodeClient {
  private readonly connections: Connections;
  private readonly address: string;
  private readonly headersTimeoutMs: number;
  private readonly limits: StreamLimits;
  private known: boolean;

  constructor(options: NodeClientOptions) {
    this.connections = openConnections(options.address);
    this.address = options.address.replace(/\/+$/, '');
    this.headersTimeoutMs = options.headersTimeoutMs ?? 30_000;
    this.known = options.known ?? false;
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
  epochEndings(start: bigint, end: bigint, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    return this.stream(`/epoch_ending_ledger_infos/${start}/${end}`, end - start, signal);
  }

  /** Transactions `start` to `start + count - 1`. */
  transactions(start: bigint, count: bigint, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    return this.stream(`/transactions/${start}/${count}`, count, signal);
  }

  /** State items `start` to `start + limit - 1` at `version`, in the order of their key hashes. */
  stateChunk(
    version: bigint,
    start: bigint,
    limit: bigint,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    return this.stream(`/state_snapshot_chunk/${version}/${start}/${limit}`, limit, signal);
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

  /** Closes connections that are not in use, and others when they no longer are. It can still be used. */
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
  ): AsyncGenerator<Uint8Array> {
    const { limits } = this;
    const answer = await this.get(path, 'NODE_ABORTED_BEFORE_FIRST_RECORD', signal);
    yield* readStream(answer.body, { ...answer, count, limits, signal });
  }

  private async value(path: string, signal: AbortSignal | undefined) {
    const { limits } = this;
    const answer = await this.get(path, 'NODE_STREAM_CUT', signal);
    return { url: answer.url, bytes: await readValue(answer.body, { ...answer, limits, signal }) };
  }

  /** Waits until the answer begins. The first part of a path is the endpoint's name. */
  private async get(path: string, onClosed: NodeErrorCode, signal: AbortSignal | undefined) {
    const url = `${this.address}${path}`;
    const endpoint = path.split('/')[1]!;
    const { connections, headersTimeoutMs, known } = this;
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
  return new NodeError('NODE_BAD_ANSWER', url, why, true, undefined);
}
