/** Reading a full folder may take longer than one operation. Only a call that hangs stalls it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type * as Files from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { withDeadlines } from '../../../src/storage/deadlines.js';
import { LocalBackend } from '../../../src/storage/local/local-backend.js';
import { overdue } from '../../../src/lib/host/overdue.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { until } from '../../support/until.js';

const FILES = 100;
const CALL_MS = 20;
const LIMIT_MS = 1000; // half of what all files take
const HANGS_AT = 10;

/** A file server that looks at one file at a time, slowly, and may hang at one of them. */
const server = vi.hoisted(() => ({
  asked: 0,
  turn: Promise.resolve(),
  hang: undefined as Promise<void> | undefined,
}));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof Files>();
  const lstat = async (file: string, options: object) => {
    if (!file.endsWith('.chunk')) return real.lstat(file, options);
    server.asked += 1;
    const hang = server.asked === HANGS_AT ? server.hang : undefined;
    server.turn = server.turn.then(() => hang ?? sleep(CALL_MS));
    await server.turn;
    return real.lstat(file, options);
  };
  return { ...real, lstat };
});

beforeEach(() => {
  server.asked = 0;
  server.hang = undefined;
});

function fullFolder(signal?: AbortSignal) {
  const root = temporaryFolder('storage');
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'a_backup', 'below'), { recursive: true });
  for (let i = 0; i < FILES; i += 1) {
    writeFileSync(join(root, 'a_backup', i % 2 ? 'below' : '', `${i}.chunk`), 'content');
  }
  return withDeadlines(new LocalBackend(root), LIMIT_MS, signal);
}

describe.each(['list', 'lastChange'] as const)('%s', (operation) => {
  it('of a very full folder ends, however long it takes', async () => {
    const storage = fullFolder();
    const start = Date.now();
    await storage[operation]('a_backup');
    expect(Date.now() - start).toBeGreaterThan(LIMIT_MS);
    expect(server.asked).toBe(FILES);
    expect(overdue()).toEqual([]);
  });

  it('of a folder stalls at a call that hangs, and does not continue when the call returns', async () => {
    let release = () => {};
    server.hang = new Promise((resolve) => (release = resolve));
    const running = fullFolder()[operation]('a_backup');
    await expect(running).rejects.toMatchObject({ code: 'STORAGE_STALLED' });
    expect(overdue()).toHaveLength(1);
    release();
    await until('it is back', () => overdue().length === 0);
    await sleep(5 * CALL_MS);
    expect(server.asked).toBe(HANGS_AT);
  });

  it('of a folder stops when it is cancelled', async () => {
    const stop = new AbortController();
    const running = fullFolder(stop.signal)[operation]('a_backup');
    await until('it is on its way', () => server.asked > 1);
    stop.abort(new Error('not needed'));
    await expect(running).rejects.toThrow('not needed');
    const asked = server.asked;
    await sleep(LIMIT_MS + 5 * CALL_MS);
    expect(server.asked).toBe(asked);
    expect(overdue()).toEqual([]);
  });
});
