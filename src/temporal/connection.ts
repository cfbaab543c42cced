import { type ClientConnectConfig, loadClientConnectConfig } from '@temporalio/envconfig';
import { TemporalError, reasonOf } from './temporal-error.js';

const DEFAULT_ADDRESS = '127.0.0.1:7233';
const DEFAULT_NAMESPACE = 'default';

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

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  const defined = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return Object.fromEntries(defined);
}
