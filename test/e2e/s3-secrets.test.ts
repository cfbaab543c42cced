/** Credentials of a bucket stay in the environment: nothing that is kept or shown has them, whatever goes wrong. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startSite } from '../support/site.js';
import { S3_KEYS } from '../support/servers/seaweedfs.js';
import { makeBucket, s3Server } from '../support/s3-bucket.js';
import { until } from '../support/until.js';

const server = s3Server();
const SECRET = S3_KEYS.AWS_SECRET_ACCESS_KEY;

/** Command lines of the processes that this checkout runs. */
function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (readlinkSync(`/proc/${pid}/cwd`) !== process.cwd()) return [];
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8')];
      } catch {
        return []; // it has ended
      }
    });
}

/** Files below a folder that contain a text; the database of the server, with all histories, is among them. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => {
      try {
        return readFileSync(file).includes(text);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false; // it was for moments
        throw error;
      }
    });
}

it('no history, log, crash report and command line has the secret of the storage', async () => {
  const site = await startSite({ transactions: 200 }, { env: S3_KEYS });
  const { session, worker } = site;
  const { dataFolder } = session;
  const bucket = await makeBucket(server);
  const storage = { url: bucket.url() };
  const range = { start_epoch: 0, end_epoch: 1 };

  const backup = await site.start('epoch_ending', range, { storage });
  expect(await backup.result()).toMatchObject({ already_committed: false });
  const nowhere = { url: bucket.url().replace(bucket.name, `${bucket.name}-not-there`) };
  const failing = await site.start('epoch_ending', range, { storage: nowhere });
  await expect(failing.result()).rejects.toThrow();

  process.kill(worker.pid('workflows')!, 'SIGKILL');
  const crashes = join(dataFolder, 'crashes');
  await until('there is a crash report', () => {
    try {
      return readdirSync(crashes).length > 0;
    } catch {
      return false;
    }
  });
  const again = await site.start('epoch_ending', range, { storage });
  expect(await again.result()).toMatchObject({ already_committed: true });

  expect(filesWith(dataFolder, bucket.name)).not.toEqual([]); // what was searched is what was stored
  expect(filesWith(dataFolder, SECRET)).toEqual([]);
  expect(site.said.join('\n')).not.toContain(SECRET);
  const lines = commandLines();
  expect(lines.some((line) => line.includes('worker'))).toBe(true);
  expect(lines.filter((line) => line.includes(SECRET))).toEqual([]);
}, 600_000);
