import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  MAX_U64,
  parseParameters,
  parsePath,
  type ServiceRequest,
} from '../backup-service/request.js';
import {
  beginStream,
  breakOff,
  sendRecords,
  sendStatus,
  sendValue,
} from '../backup-service/send.js';
import { StreamSlots } from '../backup-service/stream-slots.js';
import type { Archive, RawEndpoint, StreamEndpoint } from './archive.js';
import { NotStored } from './not-served.js';

export interface ArchiveServer {
  address: string;
  /** Ends all streams and stops listening. */
  close(): Promise<void>;
}

/**
 * Serves an archive as a node's backup service. `onError` is told of every request that failed for another reason
 * than that the archive does not have what was asked for.
 */
export async function serveArchive(
  archive: Archive,
  {
    host,
    port,
    onError,
  }: {
    host: string;
    port: number;
    onError: (error: unknown, path: string) => void;
  },
): Promise<ArchiveServer> {
  const slots = new StreamSlots();
  const server = createServer((req, res) => {
    answer(archive, slots, req, res).catch((error: unknown) => {
      if (!(error instanceof NotStored) && !res.destroyed) onError(error, req.url ?? '');
      if (res.headersSent) breakOff(res);
      else sendStatus(res, 500);
    });
  });
  server.keepAliveTimeout = 0;
  server.listen(port, host);
  await once(server, 'listening');
  const { address, port: bound, family } = server.address() as AddressInfo;
  return {
    address: `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  archive: Archive,
  slots: StreamSlots,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  if (req.method !== 'GET') return sendStatus(res, 405);
  const path = parsePath(req.url ?? '/');
  if (!path) return sendStatus(res, 404);
  const request = parseParameters(path.endpoint, path.params);
  if (!request) return sendStatus(res, 400);
  const { endpoint } = request;
  if (isStream(endpoint)) return stream(archive, slots, endpoint, request, res);
  const [first, last] = request.numbers;
  // The request task of the real service crashes here.
  if (endpoint === 'transaction_range_proof' && first === 0n && last === MAX_U64) {
    return breakOff(res);
  }
  sendValue(res, await archive.value(endpoint, request));
}

/** The status is decided before the first record is read: what goes wrong then can only break off the stream. */
async function stream(
  archive: Archive,
  slots: StreamSlots,
  endpoint: StreamEndpoint,
  request: ServiceRequest,
  res: ServerResponse,
): Promise<void> {
  beginStream(res);
  await slots.use(res, async () => {
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    await sendRecords(res, archive.stream(endpoint, request, gone.signal));
  });
}

const STREAMS: readonly string[] = [
  'epoch_ending_ledger_infos',
  'transactions',
  'state_snapshot_chunk',
  'state_snapshot',
] satisfies StreamEndpoint[];

function isStream(endpoint: RawEndpoint | StreamEndpoint): endpoint is StreamEndpoint {
  return STREAMS.includes(endpoint);
}
