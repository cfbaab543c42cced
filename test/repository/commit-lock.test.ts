/**
 * One process at a time commits or removes, over all hosts. A process that dies or stands still in it
 * does not stop the others.
 */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withCommitLock } from '../../src/repository/commit-lock.js';
import { Lease } from '../../src/repository/lease.js';
import { OWNER } from '../../src/storage/local/local-owner.js';
import { openStorage } from '../../src/storage/open.js';
import { storageFolder } from '../support/backup.js';
import { until } from '../support/until.js';

const holder = (owner: string) => ({ owner, host: owner, workflow: `work of ${owner}` });
const quiet = { signal: AbortSignal.timeout(100_000), report: () => undefined };

async function begun() {
  const folder = storageFolder();
  const storage = openStorage({ local_fs_dir: folder });
  await storage.createBackup('aptos-backup');
  return { folder, storage };
}

describe('the commit lock', () => {
  it('lets in one process at a time, and is taken over from a process that died in it', async () => {
    const { storage } = await begun();
    let inside = 0;
    let most = 0;
    const turn = (owner: string) =>
      withCommitLock(storage, holder(owner), quiet, async (lock) => {
        inside += 1;
        most = Math.max(most, inside);
        await lock.requireHeld();
        await new Promise((resolve) => setTimeout(resolve, 20));
        inside -= 1;
      });
    await Promise.all(['a', 'b', 'c', 'd'].map(turn));
    expect(most).toBe(1);

    process.env['APTOS_BACKUP_STORAGE_SECONDS'] = '1';
    onTestFinished(() => void delete process.env['APTOS_BACKUP_STORAGE_SECONDS']);
    const dead = new Lease(storage, 'commit', holder('dead'));
    expect(await dead.claim()).toBeUndefined();
    await turn('a'); // waits until it has been silent for long enough
    expect(await dead.lostTo()).toMatchObject({ owner: 'a' });
    const files = await storage.listFolder('aptos-backup');
    expect(files).toHaveLength(1);
  });

  it('is not taken back by a renewal that was under way at its release', async () => {
    const { storage } = await begun();
    const lease = new Lease(storage, 'commit', holder('a'));
    await lease.claim();
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const createFile = storage.createFile.bind(storage);
    let waiting = false;
    storage.createFile = async (...args) => {
      storage.createFile = createFile;
      waiting = true;
      await gate;
      return createFile(...args);
    };
    const renewal = lease.renew();
    await until('the renewal is on its way', () => waiting);
    await lease.release();
    go();
    await renewal;
    expect(await new Lease(storage, 'commit', holder('b')).claim()).toBeUndefined();
  });

  it('is lost to the next attempt of the same work', async () => {
    const { storage } = await begun();
    const [first, second] = [0, 1].map(() => new Lease(storage, 'commit', holder('a')));
    expect(await first!.claim()).toBeUndefined();
    expect(await second!.claim()).toBeUndefined();
    expect(await first!.lostTo()).toMatchObject({ owner: 'a' });
    await first!.release();
    expect(await second!.lostTo()).toBeUndefined();
  });

  it('removes files of dead writers with each sign of life', async () => {
    const { folder, storage } = await begun();
    const lease = new Lease(storage, 'commit', holder('a'));
    await lease.claim();
    const left = join(folder, 'aptos-backup', `.${OWNER}-4194300-abc.part`); // no process has that id
    writeFileSync(left, '{');
    expect(await lease.renew()).toBeUndefined();
    expect(existsSync(left)).toBe(false);
  });

  it('is noticed as lost when the storage is emptied under it', async () => {
    const { folder, storage } = await begun();
    const lease = new Lease(storage, 'commit', holder('a'));
    await lease.claim();
    renameSync(join(folder, 'aptos-backup'), join(folder, 'elsewhere'));
    await expect(lease.renew()).rejects.toMatchObject({ code: 'STORAGE_EMPTIED', retryable: true });
    expect(existsSync(join(folder, 'aptos-backup'))).toBe(false);
  });
});
