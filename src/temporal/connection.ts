import { join, resolve } from 'node:path';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { type ClientConnectConfig, loadClientConnectConfig } from '@temporalio/envconfig';
import { orAborted } from '../or-aborted.js';
import { openEmbeddedServer } from './server/embedded.js';
import { type Say, TemporalError, reasonOf } from './errors.js';
import { ensureSearchAttributes } from './search-attributes.js';

const DEFAULT_ADDRESS = '127.0.0.1:7233';
const DEFAULT_NAMESPACE = 'default';

/** A connected client, and the embedded server where there is one. */
export interface TemporalSession {
  readonly client: Client;
  readonly connection: Connection;
  readonly address: string;
  readonly namespace: string;
  /** Whether the server is our own: then nobody else runs workers for it. */
  readonly embedded: boolean;
  /** Of the embedded server. */
  readonly uiUrl: string | undefined;
  /** Environment in which a worker process finds the same server. */
  readonly workerEnv: NodeJS.ProcessEnv;
  close(): Promise<void>;
}

export interface ServerTarget {
  address: string;
  namespace: string;
  connectionOptions: ClientConnectConfig['connectionOptions'];
}

/**
 * The server that the standard Temporal environment names (TEMPORAL_ADDRESS, TEMPORAL_PROFILE, a
 * config file); undefined when it names none.
 * @throws TemporalError TEMPORAL_CONFIG
 */
export function configuredServer(env: NodeJS.ProcessEnv = process.env): ServerTarget | undefined {
  let config: ClientConnectConfig;
  try {
    config = loadClientConnectConfig({ overrideEnvVars: definedOnly(env) });
  } catch (error) {
    throw new TemporalError(
      'TEMPORAL_CONFIG',
      `the Temporal environment config cannot be used: ${reasonOf(error)}; see TEMPORAL_PROFILE, ` +
        'TEMPORAL_CONFIG_FILE and the TEMPORAL_TLS_* variables',
    );
  }
  const { address, apiKey } = config.connectionOptions;
  const named = Boolean(address ?? apiKey ?? env['TEMPORAL_PROFILE']);
  if (!named) return undefined;
  return {
    address: address ?? DEFAULT_ADDRESS,
    namespace: config.namespace ?? DEFAULT_NAMESPACE,
    connectionOptions: { ...config.connectionOptions, address: address ?? DEFAULT_ADDRESS },
  };
}

/**
 * Connects to the configured server, or to the embedded one of the data folder, and makes sure
 * that it knows our search attributes.
 * @throws TemporalError, or the signal's reason when it aborts first
 */
export async function openTemporal(options: {
  dataFolder: string;
  say: Say;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
}): Promise<TemporalSession> {
  const signal = options.signal ?? new AbortController().signal;
  const env = options.env ?? process.env;
  const target = configuredServer(env);
  if (target) {
    const connection = await orAborted(connectClient(target.connectionOptions), signal);
    return session(connection, target, undefined, { ...env }, () => Promise.resolve());
  }
  const server = await openEmbeddedServer(options.dataFolder, { say: options.say, env, signal });
  try {
    // Proxy variables of the environment are not meant for a server on this machine.
    const channelArgs = { 'grpc.enable_http_proxy': 0 };
    const connecting = connectClient({ address: server.address, channelArgs });
    const connection = await orAborted(connecting, signal);
    const workerEnv = environmentFor(server, options.dataFolder, env);
    return await session(connection, server, server.uiUrl, workerEnv, () => server.release());
  } catch (error) {
    await server.release();
    throw error;
  }
}

async function session(
  connection: Connection,
  server: { address: string; namespace: string },
  uiUrl: string | undefined,
  workerEnv: NodeJS.ProcessEnv,
  release: () => Promise<void>,
): Promise<TemporalSession> {
  const { address, namespace } = server;
  try {
    await ensureSearchAttributes(connection, namespace);
  } catch (error) {
    await connection.close();
    throw error;
  }
  const client = new Client({ connection, namespace });
  const close = async (): Promise<void> => {
    // Last, because a call that waits to be tried again throws on a closed connection.
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
      `no Temporal server answers at ${options.address} (${reasonOf(error)}); start it, or take away ` +
        'TEMPORAL_ADDRESS and the like to use the embedded one',
    );
  }
}

/** Nothing of another server's settings may reach a worker of the embedded one. */
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

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  const defined = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return Object.fromEntries(defined);
}
