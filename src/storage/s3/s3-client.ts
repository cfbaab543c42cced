import type { S3, S3ClientConfig } from '@aws-sdk/client-s3';
import { storageDeadlineMs } from '../deadlines.js';

/** How a bucket is reached. */
export interface S3Access {
  /** Undefined: the profile of the credentials or the environment says it. */
  region: string | undefined;
  /** Another server than Amazon's. */
  endpoint: string | undefined;
  /** Without credentials. */
  anonymous: boolean;
}

const CONNECT_MS = 10_000;
const MOST_SOCKETS = 64;
/** A large body may take so many deadlines, if its socket is never idle for a third of a deadline. */
export const SLOW_LINE = 5;

/** Requests go as they are. The SDK would look for credentials all the same, so it is given some that are none. */
const UNSIGNED: S3ClientConfig = {
  signer: { sign: (request) => Promise.resolve(request) },
  credentials: { accessKeyId: '', secretAccessKey: '' },
};

/** Clients of this process, by how the bucket is reached: they share connections and credentials. */
const clients = new Map<string, Promise<S3>>();

/** The SDK is loaded when a bucket is first used. */
export function clientFor(access: S3Access): Promise<S3> {
  const key = JSON.stringify([access.endpoint, access.region, access.anonymous]);
  let client = clients.get(key);
  if (!client) {
    client = makeClient(access);
    clients.set(key, client);
    client.catch(() => clients.delete(key));
  }
  return client;
}

/** Drops a client. The next caller gets a new one, which looks for credentials again. */
export function renewClient(old: S3): void {
  for (const [key, client] of clients) {
    void client.then((each) => {
      if (each === old && clients.get(key) === client) clients.delete(key);
    });
  }
}

async function makeClient({ region, endpoint, anonymous }: S3Access): Promise<S3> {
  // Turns off a warning that versions after January 2027 need a newer Node.js: package-lock.json pins our version.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const [{ S3 }, { defaultProvider }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/credential-provider-node'),
  ]);
  const deadline = storageDeadlineMs();
  const client = new S3({
    ...(endpoint === undefined
      ? { followRegionRedirects: true }
      : { endpoint, forcePathStyle: true }),
    ...regionOf(region, endpoint),
    ...(anonymous ? UNSIGNED : {}),
    // The SDK remembers profiles. A new client has to read them again.
    credentialDefaultProvider: (input: object) => defaultProvider({ ...input, ignoreCache: true }),
    maxAttempts: 1, // `S3Calls` tries again, and reports progress
    // Also where the environment or a profile turns them off for other programs: nobody else proves what was sent.
    requestChecksumCalculation: 'WHEN_SUPPORTED',
    responseChecksumValidation: 'WHEN_SUPPORTED',
    // The SDK has no such limits by default: it would wait for a silent server for ever.
    requestHandler: {
      connectionTimeout: Math.min(CONNECT_MS, deadline / 2),
      requestTimeout: SLOW_LINE * deadline,
      throwOnRequestTimeout: true,
      socketTimeout: Math.ceil(deadline / 3),
      httpAgent: { maxSockets: MOST_SOCKETS, keepAlive: true },
      httpsAgent: { maxSockets: MOST_SOCKETS, keepAlive: true },
    },
  });
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = result.response as { headers?: Record<string, string> };
      Object.assign((result.output as { $metadata: object }).$metadata, {
        date: headers?.['date'],
      });
      return result;
    },
    { step: 'deserialize', name: 'dateOfAnswer', priority: 'high' },
  );
  return client;
}

/** Other servers have no regions, but a signature needs one. */
function regionOf(region: string | undefined, endpoint: string | undefined) {
  if (region !== undefined) return { region };
  if (endpoint === undefined) return {};
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  return { region: AWS_REGION ?? AWS_DEFAULT_REGION ?? 'us-east-1' };
}

/** When the store answered, by its clock: unix milliseconds. */
export function dateOfAnswer({ $metadata }: { $metadata: object }): number | undefined {
  const { date } = $metadata as { date?: string };
  const time = Date.parse(date ?? '');
  return Number.isNaN(time) ? undefined : time;
}
