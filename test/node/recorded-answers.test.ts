/** Good recorded answers of a real node are read whole, and bad ones end in the right error. */
import { readFileSync } from 'node:fs';
import { type Server, createServer } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NodeClient } from '../../src/node/client.js';

interface Recorded {
  method: string;
  path: string;
  status_line: string | null;
  headers: string[] | null;
  framing?: string | null;
  clean_end: boolean | null;
  body_bytes: number;
  body_file?: string;
}

interface Answer extends Recorded {
  body: Buffer;
}

/** The method that requests a path, with the number of records that it then requires. */
function asker(
  path: string,
): { ask: (node: NodeClient) => Promise<unknown>; count?: bigint } | undefined {
  const [, endpoint, ...params] = path.split('/');
  // The service accepts other spellings, too (+1, 01), but the client does not use them.
  if (!params.every((param) => /^(0|[1-9]\d*|[0-9a-f]{64})$/.test(param))) return undefined;
  const [a = 0n, b = 0n, c = 0n] = params.filter((p) => p.length <= 20).map(BigInt);
  const stream = (count: bigint, open: (node: NodeClient) => AsyncIterable<Uint8Array>) => ({
    count,
    ask: async (node: NodeClient) => {
      const parts: Uint8Array[] = [];
      for await (const part of open(node)) parts.push(part);
      return Buffer.concat(parts);
    },
  });
  switch (`${endpoint}/${params.length}`) {
    case 'db_state/0':
      return { ask: (node) => node.dbState() };
    case 'epoch_ending_ledger_infos/2':
      return b < a ? undefined : stream(b - a, (node) => node.epochEndings(a, b));
    case 'transactions/2':
      return stream(b, (node) => node.transactions(a, b));
    case 'state_snapshot_chunk/3':
      return stream(c, (node) => node.stateChunk(a, b, c));
    case 'transaction_range_proof/2':
      return { ask: async (node) => Buffer.from(await node.transactionRangeProof(a, b)) };
    case 'state_item_count/1':
      return { ask: (node) => node.stateItemCount(a) };
    case 'state_root_proof/1':
      return { ask: async (node) => Buffer.from(await node.stateRootProof(a)) };
    case 'state_range_proof/2': {
      const key = params[1]!;
      if (!/^[0-9a-f]{64}$/.test(key)) return undefined;
      const hash = Buffer.from(key, 'hex');
      return { ask: async (node) => Buffer.from(await node.stateRangeProof(a, hash)) };
    }
    default:
      return undefined;
  }
}

/** The bytes as they went over the wire. */
function wire({ status_line: status, headers, body, clean_end: clean, framing }: Answer): Buffer {
  const head = Buffer.from([status, ...(headers ?? []), '', ''].join('\r\n'));
  if (framing !== 'chunked') return Buffer.concat([head, body]);
  const chunk = body.length
    ? [Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')]
    : [];
  return Buffer.concat([head, ...chunk, Buffer.from(clean ? '0\r\n\r\n' : '')]);
}

describe.each(['stock/http', 'stock/pruned-http', 'stock/empty-http', 'stock-v0/http'])(
  '%s',
  (name) => {
    const folder = new URL(`../fixtures/${name}/`, import.meta.url);
    const index = readFileSync(new URL('index.json', folder), 'utf8');
    const { requests } = JSON.parse(index) as { requests: Recorded[] };
    // Some paths were requested more than once. The first answer stands for all.
    const firsts = new Map(requests.toReversed().map((r) => [r.path, r]));
    const answers = [...firsts.values()].flatMap((recorded) => {
      const { method, path, body_bytes: length, body_file: file } = recorded;
      const asks = method === 'GET' ? asker(path) : undefined;
      const body =
        length === 0 || file === undefined ? Buffer.alloc(0) : read(new URL(file, folder));
      return asks && body?.length === length ? [{ ...recorded, body, ...asks }] : [];
    });

    let server: Server;
    let node: NodeClient;
    beforeAll(async () => {
      server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', (request) => {
          const path = request.toString('latin1').split(' ')[1];
          const answer = answers.find((recorded) => recorded.path === path);
          if (answer?.status_line) socket.write(wire(answer));
          if (!answer?.clean_end) socket.end();
        });
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      node = new NodeClient({
        address: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
        retryPauseMs: 1,
      });
    });
    afterAll(() => {
      node.close();
      server.close();
    });

    it.each(answers)(
      'the answer to $path is understood',
      async ({ path, ask, body, count, status_line: status, clean_end: clean }) => {
        const asked = ask(node);
        if (status === null || (status.includes('200') && !clean)) {
          const code = body.length === 0 ? 'NODE_ABORTED_BEFORE_FIRST_RECORD' : 'NODE_STREAM_CUT';
          await expect(asked).rejects.toMatchObject({
            code: count === undefined ? 'NODE_STREAM_CUT' : code,
            retryable: true,
          });
        } else if (!status.includes('200')) {
          const retryable = status.includes('500');
          await expect(asked).rejects.toMatchObject({
            code: retryable ? 'NODE_HTTP_STATUS' : 'NODE_REFUSED',
            retryable,
          });
        } else if (count !== undefined && recordsIn(body) !== count) {
          await expect(asked).rejects.toMatchObject({ code: 'NODE_SHORT', retryable: true });
        } else if (path === '/db_state') {
          const [epoch, committedVersion] =
            body.length > 1 ? [body.readBigUInt64LE(1), body.readBigUInt64LE(9)] : [];
          expect(await asked).toEqual(
            epoch === undefined ? undefined : { epoch, committedVersion },
          );
        } else if (path.startsWith('/state_item_count/')) {
          expect(await asked).toBe(body.readBigUInt64LE(0));
        } else {
          expect(body.equals((await asked) as Buffer)).toBe(true);
        }
      },
    );
  },
);

function read(file: URL): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined; // its bytes are not kept with the tests
  }
}

function recordsIn(body: Buffer): bigint {
  let records = 0n;
  for (let at = 0; at < body.length; at += 4 + body.readUInt32BE(at)) records += 1n;
  return records;
}
