/** How many connections reading takes: making one to a real bucket takes longer than reading a small file. */
import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { AzureStore } from '../../../src/storage/azure/azure-store.js';
import { GcsStore } from '../../../src/storage/gcs/gcs-store.js';
import { S3Store } from '../../../src/storage/s3/s3-store.js';
import type { ObjectStore } from '../../../src/storage/objects/object-store.js';
import { anyCall } from '../../support/gcs-bucket.js';
import { listen } from '../../support/listen.js';

const FILES = 5;

const stores: Record<string, (endpoint: string) => ObjectStore> = {
  gs: (endpoint) => new GcsStore({ bucket: 'b', prefix: '', endpoint, anonymous: true }),
  azblob: (endpoint) =>
    new AzureStore({ account: 'a', container: 'b', prefix: '', endpoint, anonymous: true }),
  s3: (endpoint) =>
    new S3Store(
      { bucket: 'b', prefix: '', endpoint },
      { region: undefined, endpoint, anonymous: true },
    ),
};

it.each(Object.keys(stores).flatMap((kind) => [100, 300_000].map((bytes) => ({ kind, bytes }))))(
  'Files of $bytes bytes are read from $kind over one connection.',
  async ({ kind, bytes }) => {
    const content = Buffer.alloc(bytes, 'content ');
    const server = createServer((_, answer) => {
      answer.writeHead(200, {
        'content-length': bytes,
        etag: '"0x1"',
        'last-modified': new Date().toUTCString(),
        'x-goog-generation': '1',
      });
      answer.end(content);
    });
    let connections = 0;
    server.on('connection', () => (connections += 1));
    const store = stores[kind]!(await listen(server));
    for (let file = 0; file < FILES; file += 1) {
      const parts: Uint8Array[] = [];
      for await (const part of store.get(`a/${file}.chunk`, anyCall())) parts.push(part);
      expect(content.equals(Buffer.concat(parts))).toBe(true);
    }
    expect(connections).toBe(1);
  },
);
