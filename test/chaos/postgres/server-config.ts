/** Ports of 127.0.0.1. */
export interface StackPorts {
  postgres: number;
  frontend: number;
  /** For membership and the other services. */
  inner: number[];
}

/** Configuration of one Temporal server with all its services on one PostgreSQL. */
export function serverConfig({ postgres, frontend, inner }: StackPorts): string {
  const store = (database: string) => ({
    sql: {
      pluginName: 'postgres12',
      databaseName: database,
      connectAddr: `127.0.0.1:${postgres}`,
      connectProtocol: 'tcp',
      user: 'temporal',
      password: 'temporal',
      maxConns: 20,
      maxIdleConns: 20,
      maxConnLifetime: '1h',
    },
  });
  const [a, b, c, d, e, f, g] = inner;
  const rpc = (grpcPort: number | undefined, membershipPort: number | undefined) => ({
    rpc: { grpcPort, membershipPort, bindOnLocalHost: true },
  });
  // JSON is YAML.
  return JSON.stringify({
    log: { stdout: true, level: 'error' }, // at `warn` it writes megabytes while its database is away
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: 4,
      datastores: { default: store('temporal'), visibility: store('temporal_visibility') },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: {
      frontend: rpc(frontend, a),
      matching: rpc(b, c),
      history: rpc(d, e),
      worker: rpc(f, g),
    },
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `127.0.0.1:${frontend}`,
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
  });
}
