import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { type IncomingMessage, createServer, request } from 'node:http';
import { listen } from './listen.js';

/**
 * A proxy before a node: it kills any of the given processes that asks for certain data, like a chunk
 * that no worker survives. `kills` counts by process.
 */
export async function deadlyProxy(
  node: string,
  isDeadly: (path: string) => boolean,
  victims: () => (number | undefined)[],
): Promise<{ address: string; kills: number[] }> {
  const kills: number[] = [];
  const server = createServer((asked, answer) => {
    const path = asked.url!;
    const victim = isDeadly(path) ? victims().find((pid) => pid && owns(pid, asked)) : undefined;
    if (victim !== undefined) {
      kills.push(victim);
      process.kill(victim, 'SIGSEGV');
      return;
    }
    request(node + path, (given) => {
      answer.writeHead(given.statusCode!, given.headers);
      given.pipe(answer);
      given.on('error', () => answer.destroy());
    })
      .on('error', () => answer.destroy())
      .end();
  });
  return { address: await listen(server), kills };
}

/** Whether a process holds the other end of a request's connection. */
function owns(pid: number, { socket }: IncomingMessage): boolean {
  const local = `:${socket.remotePort!.toString(16).toUpperCase().padStart(4, '0')}`;
  const remote = `:${socket.localPort!.toString(16).toUpperCase().padStart(4, '0')}`;
  const line = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((text) => text.trim().split(/\s+/))
    .find(([, from, to]) => from?.endsWith(local) && to?.endsWith(remote));
  const socketName = `socket:[${line?.[9]}]`;
  const folder = `/proc/${pid}/fd`;
  const open = ifThere(() => readdirSync(folder)) ?? [];
  return open.some((fd) => ifThere(() => readlinkSync(`${folder}/${fd}`)) === socketName);
}

/** Undefined for a process that is gone, and for a file that was closed meanwhile. */
function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
