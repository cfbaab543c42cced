// A port is taken only some time after it was chosen.
import { type Server, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { choosePort, isFree } from '../../src/temporal-server/ports.js';

test('a process chooses none of its last ports again', async () => {
  const ports: number[] = [];
  for (let i = 0; i < 50; i += 1) ports.push(await choosePort());
  expect(new Set(ports).size).toBe(50);
  // What systems give to anybody begins above.
  expect(ports.every((port) => port >= 17_000 && port < 30_000)).toBe(true);
});

test('a port on which somebody listens is not free', async () => {
  const port = await choosePort();
  expect(await isFree(port)).toBe(true);
  const server: Server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  expect(await isFree(port)).toBe(false);
});
