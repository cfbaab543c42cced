/** However a command ends: nothing of it is left, and no half of a file looks whole. */
import { existsSync, mkdirSync, readFileSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { requireRoom } from '../../../src/storage/command/scratch.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import { AdapterPlace } from '../../support/adapters/place.js';
import { ADAPTERS } from '../../support/adapters/yaml.js';
import { until } from '../../support/until.js';

const content = Buffer.alloc(200_000, 'chunk');

/** Whether a process runs; one that nobody waits for has ended all the same. */
function runs(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Stores what it got when its input ends, and cannot be stopped in a friendly way. */
const AT_END = `env_vars: []
commands:
  create_backup: 'echo "$BACKUP_NAME"'
  create_for_write: |
    trap '' TERM
    (trap '' TERM; gzip -c) | (trap '' TERM; echo $BASHPID >> "$FAULTS/hangs"; head -c 10 > "$STORE/begun"; sleep 1000; cat > "$STORE/rest"; mv "$STORE/rest" "$STORE/$FILE_NAME")
  open_for_read: 'cat "$STORE/$(basename "$FILE_HANDLE")"'
  save_metadata_line: 'cat > "$STORE/$FILE_NAME"'
  list_metadata_files: ''
`;

const UNDER_TIMEOUT = AT_END.replace(
  / {4}trap '' TERM\n.*/,
  () =>
    `    gzip -c | timeout 3000 bash -c 'echo $$ >> "$FAULTS/hangs"; head -c 10 > "$STORE/begun"; sleep 1000; cat > "$STORE/rest"; mv "$STORE/rest" "$STORE/$FILE_NAME"'`,
);

async function begin(storage: BackupStorage) {
  const file = await storage.createFile('a_backup', '0-.chunk');
  await file.write(content);
  return file;
}

describe('a cancel', () => {
  it.each([
    ['without an end of its input', AT_END],
    ['under `timeout`, which makes a process group of its own', UNDER_TIMEOUT],
  ])('ends an upload %s: what was sent by then never looks whole', async (_, yaml) => {
    const place = new AdapterPlace(yaml);
    const stop = new AbortController();
    const file = await begin(new BackupStorage(place.open(), stop.signal));
    const publishing = file.publish();
    const failed = expect(publishing).rejects.toThrow('enough');
    await until('the upload has begun', () => place.hanging().length > 0);
    stop.abort(new Error('enough'));
    await failed;
    await file.discard();
    await until('its processes are gone', () => !place.hanging().some(runs));
    expect(existsSync(join(place.store, '0-.chunk'))).toBe(false);
    await until('its files are gone', () => readdirSync(place.temporary).length === 0);
  });

  it.each(['put', 'get', 'list'] as const)(
    'ends all processes of a command that hangs at %s and does not listen',
    async (verb) => {
      const place = new AdapterPlace(ADAPTERS['gcloud storage with tries']!);
      const stop = new AbortController();
      const storage = new BackupStorage(place.open(), stop.signal);
      await storage.saveMetadata('identity.meta', Buffer.from('{}\n'));
      const doing = {
        put: async () => {
          const file = await begin(storage);
          await file.publish({ replace: true }).finally(() => file.discard());
        },
        get: () => storage.stat('a_backup/0-.chunk'),
        list: () => storage.listMetadata(),
      };
      place.misbehave(`hang-${verb}`);
      const failed = expect(doing[verb]()).rejects.toThrow('enough');
      await until('it hangs', () => place.hanging().length > 0);
      stop.abort(new Error('enough'));
      await failed;
      await until('its processes are gone', () => !place.hanging().some(runs));
      await until('its files are gone', () => readdirSync(place.temporary).length === 0);
    },
  );
});

describe('a deadline', () => {
  it('counts from the last byte that moved: a slow command has time, and one that hangs has not', async () => {
    vi.stubEnv('APTOS_BACKUP_STORAGE_SECONDS', '3');
    vi.stubEnv('APTOS_BACKUP_ADAPTER_SECONDS', '8');
    const place = new AdapterPlace(
      ADAPTERS['rclone']!.replace(`'rclone cat`, `'sleep 5; rclone cat`),
    );
    const storage = new BackupStorage(place.open());
    const file = await begin(storage);
    await file.publish({ replace: true });
    await file.discard();
    expect(await storage.readAll('a_backup/0-.chunk', 300_000)).toHaveLength(200_000);
    place.misbehave('hang-list');
    await expect(storage.listMetadata()).rejects.toMatchObject({ code: 'STORAGE_STALLED' });
    await until('its processes are gone', () => !place.hanging().some(runs));
  });
});

describe('whoever stops reading', () => {
  it('ends the command, and that is no error', async () => {
    const place = new AdapterPlace(ADAPTERS['aws s3 at another endpoint']!);
    const storage = new BackupStorage(place.open());
    const file = await storage.createFile('a_backup', '0-.chunk');
    for (let i = 0; i < 30; i += 1) await file.write(Buffer.alloc(1_000_000, i));
    await file.publish();
    await file.discard();
    for await (const part of storage.read('a_backup/0-.chunk')) {
      expect(part.length).toBeGreaterThan(0);
      break;
    }
    expect(readdirSync(place.temporary)).toEqual([]);
  });
});

it('a command that does not close its output, and says much, is fed all the same', async () => {
  const place = new AdapterPlace(
    ADAPTERS['rclone']!.replace(
      'exec 1>&-  # close stdout',
      'head -c 1000000 /dev/zero | tr "\\0" x; head -c 1000000 /dev/zero | tr "\\0" "\\n" >&2',
    ),
  );
  const storage = new BackupStorage(place.open());
  const file = await begin(storage);
  expect(await file.publish()).toBe('created');
  await file.discard();
});

it('commands can open /dev/stdout and /dev/stderr, and wait for all that they began', async () => {
  const yaml = ADAPTERS['rclone']!.replace(
    /open_for_read: .*/,
    () => `open_for_read: |
    echo reading > /dev/stderr
    true & wait
    cat "$STORE/bucket/e1/$FILE_HANDLE" | tee /dev/stderr > /dev/stdout`,
  )
    .replaceAll('echo "$FILE_HANDLE"', 'echo "$FILE_HANDLE" > /dev/stdout')
    .replace('sed "s#^ *[0-9]* #metadata/#"', 'sed "s#^ *[0-9]* #metadata/#" > /dev/fd/1');
  const place = new AdapterPlace(yaml);
  const storage = new BackupStorage(place.open());
  const file = await begin(storage);
  expect(await file.publish()).toBe('created');
  await file.discard();
  expect(await storage.readAll('a_backup/0-.chunk', 300_000)).toEqual(new Uint8Array(content));
  await storage.saveMetadata('identity.meta', Buffer.from('{}\n'));
  expect(await storage.listMetadata()).toEqual(['metadata/identity.meta']);
});

it('a daemon that a command leaves in a session of its own is not waited for', async () => {
  const yaml = ADAPTERS['rclone']!.replace(
    /open_for_read: .*/,
    () => `open_for_read: '(setsid sleep 20 > /dev/null &); cat "$STORE/bucket/e1/$FILE_HANDLE"'`,
  );
  const storage = new BackupStorage(new AdapterPlace(yaml).open());
  const file = await begin(storage);
  await file.publish({ replace: true });
  await file.discard();
  const begun = performance.now();
  expect(await storage.readAll('a_backup/0-.chunk', 300_000)).toHaveLength(content.length);
  expect(performance.now() - begun).toBeLessThan(15_000);
});

it('where temporary files have no room, that is said before anything is run', async () => {
  await expect(requireRoom(Number.MAX_SAFE_INTEGER, 'a/0-.chunk')).rejects.toMatchObject({
    code: 'NO_SPACE',
    message: expect.stringContaining('needs room for 9007199254740991') as string,
  });
});

it('where there is no bash, that is said', async () => {
  const place = new AdapterPlace(ADAPTERS['rclone']!);
  vi.stubEnv('PATH', '/nowhere');
  const storage = new BackupStorage(place.open());
  await expect(storage.listMetadata()).rejects.toThrow('bash is not there');
  await expect(storage.readAll('a/0-.chunk', 9)).rejects.toThrow('bash is not there');
});

it('a folder for temporary files that is not there is named, and what to do', async () => {
  const place = new AdapterPlace(ADAPTERS['rclone']!);
  vi.stubEnv('TMPDIR', '/nowhere/tmp');
  const storage = new BackupStorage(place.open());
  const failed = storage.createFile('a', '0-.chunk');
  await expect(failed).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  await expect(failed).rejects.toThrow('/nowhere/tmp, the folder for temporary files (ENOENT)');
});

it('temporary folders of another boot or container go once they are a day old', async () => {
  const place = new AdapterPlace(ADAPTERS['rclone']!);
  const [old, fresh] = ['1', '2'].map((pid) =>
    join(place.temporary, `aptos-backup-command-deadbeef-${pid}-x`),
  ) as [string, string];
  for (const folder of [old, fresh]) mkdirSync(folder);
  const then = new Date(Date.now() - 25 * 3_600_000);
  utimesSync(old, then, then);
  vi.resetModules(); // a process looks once
  const { makeScratch } = await import('../../../src/storage/command/scratch.js');
  await makeScratch();
  expect([existsSync(old), existsSync(fresh)]).toEqual([false, true]);
});
