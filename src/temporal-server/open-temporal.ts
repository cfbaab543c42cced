import { join, resolve } from 'node:path';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { orAborted } from '../lib/or-aborted.js';
import { configuredServer } from '../temporal/connection.js';
import { type Say, TemporalError, reasonOf } from '../temporal/temporal-error.js';
import { type EmbeddedServer, openEmbeddedServer } from './embedded.js';

/** A connected client and, where one is used, the embedded server. */
export interface TemporalSession {
  readonly client: Client;
  readonly connection: Connection;
  readonly address: string;
  readonly namespace: string;
  /** Whether this is the embedded server. Only this host runs workers for it. */
  readonly embedded: boolean;
  /** Address of the web UI; undefined unless the server is the embedded one. */
  readonly uiUrl: string | undefined;
  /** Environment variables with which a worker process connects to the same server. */
  readonly workerEnv: NodeJS.ProcessEnv;
  close(): Promise<void>;
}

/**
 * Connects to the configured server, or to the embedded one of the data folder.
 * @throws TemporalError, or the signal's reason when it aborts first
 */
export async function openTemporal(options: {
  dataFolder: string;
  say: Say;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  /**
   * Called with the environment for workers, as soon as the embedded server has an address. It may not answer yet.
   * Called again if it gets another address, which nobody finds who has the first one. Not called for a server that the
   * environment names.
   */
  meanwhile?: (workerEnv: NodeJS.ProcessEnv) => void;
}): Promise<TemporalSession> {
  const signal = options.signal ?? new AbortController().signal;
  const env = options.env ?? process.env;
  const target = configuredServer(env);
  if (target) {
    const connection = await orAborted(connectClient(target.connectionOptions), signal);
    return session(connection, target, undefined, { ...env }, () => Promise.resolve());
  }
  const { dataFolder, say, meanwhile } = options;
  const envOf = (server: Pick<EmbeddedServer, 'address' | 'namespace'>) =>
    environmentFor(server, dataFolder, env);
  const server = await openEmbeddedServer(dataFolder, {
    ...{ say, env, signal },
    onAddress: (address) => meanwhile?.(envOf(address)),
  });
  try {
    // A server on this machine must not be reached through the proxy that the environment names.
    const channelArgs = { 'grpc.enable_http_proxy': 0 };
    const connecting = connectClient({ address: server.address, channelArgs });
    const connection = await orAborted(connecting, signal);
    return session(connection, server, server.uiUrl, envOf(server), () => server.release());
  } catch (error) {
    await server.release();
    throw error;
  }
}

function session(
  connection: Connection,
  server: { address: string; namespace: string },
  uiUrl: string | undefined,
  workerEnv: NodeJS.ProcessEnv,
  release: () => Promise<void>,
): TemporalSession {
  const { address, namespace } = server;
  const client = new Client({ connection, namespace });
  const close = async (): Promise<void> => {
    // The connection closes last: a call that waits for its retry would throw on a closed one.
    await release();
    await connection.close();
  };
  return {
    client,
    connection,
    address,
    namespace,
    embedded: uiUrl !== undefined,
    uiUrl,
    workerEnv,
    close,
  };
}

async function connectClient(options: ConnectionOptions): Promise<Connection> {
  try {
    return await Connection.connect(options);
  } catch (error) {
    throw new TemporalError(
      'TEMPORAL_UNREACHABLE',
      `no Temporal server answers at ${options.address} (${reasonOf(error)}); start it, or unset ` +
        'TEMPORAL_ADDRESS and the like to use the embedded one',
    );
  }
}

/** The environment for workers of the embedded server: without the settings of any other Temporal server. */
function environmentFor(
  server: { address: string; namespace: string },
  dataFolder: string,
  env: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const others = Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_'));
  return {
    ...Object.fromEntries(others),
    TEMPORAL_ADDRESS: server.address,
    TEMPORAL_NAMESPACE: server.namespace,
    TEMPORAL_CONFIG_FILE: join(resolve(dataFolder), 'temporal', 'no-config-file'),
    APTOS_BACKUP_DATA_DIR: resolve(dataFolder),
  };
}
