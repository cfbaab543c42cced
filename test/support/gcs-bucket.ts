import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { GcsStore } from '../../src/storage/gcs/gcs-store.js';
import type { Call } from '../../src/storage/backend.js';
import type { ObjectListing } from '../../src/storage/objects/object-store.js';
import type { Patience } from '../../src/storage/objects/patience.js';
import { type FakeGcs, startFakeGcs } from './servers/fake-gcs.js';
import { type Asked, type Fault, faultyProxy } from './servers/faulty-proxy.js';

/** The server may have to be built first. */
const BUILT_MS = 1_300_000;

/** A GCS server for all tests of a file. */
export function gcsServer(): FakeGcs {
  let server: FakeGcs | undefined;
  beforeAll(async () => (server = await startFakeGcs()), BUILT_MS);
  afterAll(() => server?.close());
  const started = () => {
    if (!server) throw new Error('the GCS server was not started');
    return server;
  };
  return {
    get endpoint() {
      return started().endpoint;
    },
    makeBucket: (name) => started().makeBucket(name),
    kill: () => started().kill(),
    restart: () => started().restart(),
    close: () => started().close(),
  };
}

/** A bucket of its own for a test. */
export async function makeGcsBucket(server: FakeGcs) {
  const name = `bucket-${randomUUID()}`;
  await server.makeBucket(name);
  return {
    name,
    /** A URL of the storage below a prefix, with more parameters such as `encoding=plain`. */
    url: (prefix = 'backups/e1', parameters = '', endpoint = server.endpoint) =>
      `gs://${name}/${prefix}?anonymous=true&endpoint=${endpoint}${parameters && `&${parameters}`}`,
    store: (endpoint = server.endpoint, patience?: Patience) =>
      new GcsStore({ bucket: name, prefix: 'backups/e1', endpoint, anonymous: true }, patience),
  };
}

export function anyCall(signal = new AbortController().signal): Call & { progressed: number } {
  const call = { signal, progressed: 0, progress: () => void (call.progressed += 1) };
  return call;
}

export async function putObject(
  store: GcsStore,
  key: string,
  content: Uint8Array,
  { ifAbsent = true } = {},
): Promise<'created' | 'exists'> {
  const upload = await store.upload(key, anyCall());
  await upload.write(content);
  const outcome = await upload.complete({ ifAbsent });
  await upload.abort();
  return outcome;
}

export async function getObject(store: GcsStore, key: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of store.get(key, anyCall())) parts.push(part);
  return Buffer.concat(parts);
}

export async function listAll(store: GcsStore, prefix = ''): Promise<string[]> {
  const pages: ObjectListing[] = [];
  for await (const page of store.list(prefix, { delimited: false }, anyCall())) pages.push(page);
  return pages.flatMap(({ objects }) => objects.map(({ key }) => key));
}

/** A proxy that keeps what it was asked, and does to each request what `fault` says. */
export async function proxyBefore(
  { endpoint }: FakeGcs,
  fault: (asked: Asked, number: number) => Fault | undefined = () => undefined,
): Promise<{ endpoint: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const through = await faultyProxy(endpoint, (request) => fault(request, asked.push(request)));
  return { endpoint: through, asked };
}
