import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { Devnode } from '../devnode.js';

/**
 * The remote control of a simulated node, in JSON: GET /facts, GET /requests, DELETE /requests,
 * GET /load, GET /faults, POST /faults, DELETE /faults, POST /grow {"transactions": n, "epochs": n}, POST /die.
 */
export function createControl(node: Omit<Devnode, 'controlAddress'>): Server {
  return createServer((req, res) => {
    control(req, node).then(
      (answer) => send(res, 200, answer ?? { ok: true }),
      (error: unknown) => send(res, 400, { error: (error as Error).message }),
    );
  });
}

async function control(
  req: IncomingMessage,
  node: Omit<Devnode, 'controlAddress'>,
): Promise<unknown> {
  switch (`${req.method} ${req.url}`) {
    case 'GET /facts':
      return node.facts();
    case 'GET /requests':
      return node.requests();
    case 'DELETE /requests':
      return node.clearRequests();
    case 'GET /load':
      return node.load();
    case 'GET /faults':
      return node.faults();
    case 'POST /faults':
      return node.fault((await body(req)) as Parameters<Devnode['fault']>[0]);
    case 'DELETE /faults':
      return node.clearFaults();
    case 'POST /grow':
      return node.grow((await body(req)) as Parameters<Devnode['grow']>[0]);
    case 'POST /die':
      return node.die();
    default:
      throw new Error(`no such command: ${req.method} ${req.url}`);
  }
}

async function body(req: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of req) parts.push(part as Buffer);
  return JSON.parse(Buffer.concat(parts).toString('utf8'));
}

function send(res: ServerResponse, status: number, answer: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(`${JSON.stringify(answer)}\n`);
}
