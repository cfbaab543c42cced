import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { afterAll, beforeAll, onTestFinished, vi } from 'vitest';
import type { Call } from '../../../src/storage/backend.js';
import { faultyProxy } from '../../support/servers/faulty-proxy.js';
import { type AzuriteServer, startAzurite } from '../../support/servers/azurite.js';

/** Of a job that nobody cancels. */
export const call = (signal: AbortSignal = new AbortController().signal): Call => ({
  signal,
  progress: () => undefined,
});

/** An Azure blob service for the tests of a file, and containers in it, one for each test. */
export function azureService() {
  let server: AzuriteServer | undefined;
  let made = 0;
  beforeAll(async () => void (server = await startAzurite()));
  afterAll(async () => server?.close());
  const running = () => {
    if (!server) throw new Error('azurite was not started');
    return server;
  };

  return {
    server: running,
    /** The endpoint behind a proxy that does to requests what `fault` says. */
    async behind(fault: Parameters<typeof faultyProxy>[1]) {
      const { endpoint, account } = running();
      return `${await faultyProxy(new URL(endpoint).origin, fault)}/${account}`;
    },
    /** A new container, and the environment that opens it until the test ends. */
    async container() {
      const { endpoint, account, key } = running();
      const name = `backups-${(made += 1)}`;
      const credential = new StorageSharedKeyCredential(account, key);
      const client = new ContainerClient(`${endpoint}/${name}`, credential);
      await client.create();
      onTestFinished(() => void vi.unstubAllEnvs());
      vi.stubEnv('AZURE_STORAGE_KEY', key);
      const place = { account, container: name, prefix: 'e1', endpoint, anonymous: false };
      const url = `azblob://${account}/${name}/e1?endpoint=${endpoint}`;
      return { client, place, url };
    },
  };
}
