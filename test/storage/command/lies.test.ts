/** Programs that fail, complain or lie: what is stored is whole, and what is not said is not believed. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { BackupStorage } from '../../../src/storage/storage.js';
import { AdapterPlace, type Fault } from '../../support/adapters/place.js';
import { ADAPTERS } from '../../support/adapters/yaml.js';

const line = Buffer.from('{"Identity":{"id":"0000000000000000000000000000000000"}}\n');

function aws(env: Record<string, string> = {}) {
  const place = new AdapterPlace(ADAPTERS['aws s3 at another endpoint']!, env);
  return { place, storage: new BackupStorage(place.open()) };
}

async function put(storage: BackupStorage, name: string, content = Buffer.alloc(90_000, 'chunk')) {
  const file = await storage.createFile('a_backup', name);
  try {
    await file.write(content);
    return await file.publish();
  } finally {
    await file.discard();
  }
}

describe('an upload', () => {
  it.each<Fault>(['fail-put', 'part-put', 'nothing-put', 'page-put'])(
    'with the fault %s twice is made again until the file is whole',
    async (fault) => {
      const { place, storage } = aws();
      place.misbehave(fault, 2);
      expect(await put(storage, '0-.chunk')).toBe('created');
      const stored = gunzipSync(readFileSync(place.objectOf('a_backup/0-.chunk')));
      expect(stored).toEqual(Buffer.alloc(90_000, 'chunk'));
      expect(place.asked('put')).toHaveLength(3);
    },
  );

  it.each<Fault>(['part-put', 'nothing-put', 'page-put'])(
    'with the fault %s for ever is no success, and leaves no metadata file that is not whole',
    async (fault) => {
      const { place, storage } = aws();
      place.misbehave(fault);
      const failed = { code: 'STORAGE_FAILED', retryable: true };
      await expect(storage.saveMetadata('identity.meta', line)).rejects.toMatchObject(failed);
      await expect(put(storage, '0-.chunk')).rejects.toThrow(
        'reported success for a_backup/0-.chunk',
      );
      expect(await storage.listMetadata()).toEqual([]);
    },
  );

  it('is not read back for a chunk when that is switched off, and is for metadata', async () => {
    const { place, storage } = aws();
    vi.stubEnv('APTOS_BACKUP_ADAPTER_READ_BACK', 'small');
    place.misbehave('part-put', 1);
    expect(await put(storage, '0-.chunk')).toBe('created');
    place.misbehave('part-put', 1);
    await storage.saveMetadata('identity.meta', line);
    expect(Buffer.from(await storage.readAll('metadata/identity.meta', 100))).toEqual(line);
  });

  it('that is replaced by others each time is no fault of the command', async () => {
    const yaml = ADAPTERS['rclone']!.replace(
      /open_for_read: .*/,
      () =>
        `open_for_read: '[ "$FILE_HANDLE" = aptos-backup/probe.json ] && echo "{\\"probe\\":\\"$RANDOM$RANDOM\\"}"'`,
    );
    await new BackupStorage(new AdapterPlace(yaml).open()).begin();
  });

  it('of a file that somebody else has just stored says that it exists', async () => {
    const { place, storage } = aws();
    const file = await storage.createFile('a_backup', 'plan.json');
    await file.write(Buffer.from('{"plan":1}\n'));
    await put(new BackupStorage(place.open()), 'plan.json', Buffer.from('{"plan":2}\n'));
    expect(await file.publish()).toBe('exists');
    await file.discard();
    expect(place.asked('put')).toHaveLength(1);
  });
});

describe('a command that writes over no file', () => {
  const yaml = ADAPTERS['a folder whose files are never written over']!;

  it('lets a second process begin, renew, and store what a killed upload left in half', async () => {
    const place = new AdapterPlace(yaml);
    await new BackupStorage(place.open()).begin();
    await new BackupStorage(place.open()).begin();
    const half = `${place.store}/a_backup/0-.chunk`;
    mkdirSync(dirname(half));
    writeFileSync(half, '');
    const storage = new BackupStorage(place.open());
    const file = await storage.createFile('a_backup', '0-.chunk');
    await file.write(line);
    expect(await file.publish()).toBe('exists');
    expect(await file.publish({ replace: true })).toBe('created');
    await file.discard();
    expect(Buffer.from(await storage.readAll('a_backup/0-.chunk', 100))).toEqual(line);
    expect(readdirSync(`${place.store}/metadata`)).toEqual([]);
  });
});

describe('what a command says', () => {
  it('is shown without secrets', async () => {
    const { place, storage } = aws({ SECRET_TOKEN: 'tell-nobody-4711' });
    place.misbehave('fail-put');
    const error = await put(storage, '0-.chunk').catch((thrown: Error) => thrown);
    expect(error).toMatchObject({
      message: expect.stringMatching(
        /create_for_write of a_backup\/0-\.chunk failed with exit code 1;.*It said: ServerError: 503 Slow down; token \*\*\* https:\/\/\*\*\*@store\/\?sig=\*\*\*/,
      ) as string,
    });
    expect(String(error)).not.toMatch(/4711|hunter2|abcdef0123/);
  });

  it('beside success is no trouble', async () => {
    const { place, storage } = aws();
    await storage.begin();
    await storage.saveMetadata('one.meta', line);
    place.misbehave('noise');
    await storage.saveMetadata('identity.meta', line);
    expect((await storage.listMetadata()).sort()).toEqual([
      'metadata/identity.meta',
      'metadata/one.meta',
    ]);
  });
});

describe('a listing', () => {
  it('that failed behind `||:` is an outage, also of a new storage', async () => {
    const { place, storage } = aws();
    place.misbehave('fail-list');
    await expect(storage.listMetadata()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    await expect(storage.listMetadata()).rejects.toThrow(
      /listed nothing and complained.*APTOS_BACKUP_ADAPTER_EMPTY_LISTING=trust.*It said: ServerError: 503/,
    );
    vi.stubEnv('APTOS_BACKUP_ADAPTER_EMPTY_LISTING', 'trust');
    expect(await storage.listMetadata()).toEqual([]);
  });

  it.each(['gsutil', 's5cmd', 'gcloud storage with tries', 'aws s3 at another endpoint'])(
    'of %s says honestly that there is nothing yet, and passes over folders and marks',
    async (name) => {
      const place = new AdapterPlace(ADAPTERS[name]!);
      const storage = new BackupStorage(place.open());
      expect(await storage.listMetadata()).toEqual([]);
      for (const file of ['metadata/one.meta', 'metadata/sub/two.meta']) {
        mkdirSync(dirname(place.objectOf(file)), { recursive: true });
        writeFileSync(place.objectOf(file), '');
      }
      expect(await storage.listMetadata()).toEqual(['metadata/one.meta']);
    },
  );

  it('whose program is missing says so, and not how to switch the check off', async () => {
    const yaml = ADAPTERS['gsutil']!.replace('(gsutil -q ls', '(gsutil-of-nowhere -q ls');
    const storage = new BackupStorage(new AdapterPlace(yaml).open());
    const unfit = { code: 'STORAGE_UNFIT' };
    await expect(storage.listMetadata()).rejects.toMatchObject(unfit);
    await expect(storage.listMetadata()).rejects.toThrow('; install gsutil-of-nowhere wherever');
    await expect(storage.listMetadata()).rejects.not.toThrow('EMPTY_LISTING');
  });

  it('of something else than handles is an outage', async () => {
    const place = new AdapterPlace(
      ADAPTERS['rclone']!.replace(
        /list_metadata_files: .*/,
        "list_metadata_files: 'echo 503 busy'",
      ),
    );
    const storage = new BackupStorage(place.open());
    await expect(storage.listMetadata()).rejects.toThrow('printed no handle of the form metadata/');
  });
});

describe('a listing command', () => {
  const listing = (command: string) =>
    new AdapterPlace(
      ADAPTERS['a folder whose files are never written over']!.replace(
        /list_metadata_files: .*/,
        () => `list_metadata_files: ${JSON.stringify(command)}`,
      ),
    );

  it('that shows nothing of what was stored makes the adapter unfit, also when it was stored before', async () => {
    const storage = new BackupStorage(listing('ls $STORE/elsewhere 2>/dev/null || :').open());
    const unfit = { code: 'STORAGE_UNFIT', retryable: false };
    for (let time = 0; time < 2; time += 1) {
      const saved = storage.saveMetadata('identity.meta', line);
      await expect(saved).rejects.toMatchObject(unfit);
      await expect(saved).rejects.toThrow(
        'list_metadata_files does not show metadata/identity.meta, which save_metadata_line stored; check the path that it lists',
      );
    }
  });

  it('that is late is asked again', async () => {
    const place = listing(
      'if [ -e $FAULTS/asked ]; then cd $STORE && ls -d metadata/*; else touch $FAULTS/asked; fi',
    );
    await new BackupStorage(place.open()).saveMetadata('identity.meta', line);
    expect(existsSync(`${place.faults}/asked`)).toBe(true);
  });

  it('that prints for ever is killed', async () => {
    const storage = new BackupStorage(listing('yes metadata/one.meta').open());
    const failed = storage.listMetadata();
    await expect(failed).rejects.toMatchObject({ code: 'STORAGE_UNFIT' });
    await expect(failed).rejects.toThrow(/list_metadata_files printed \d+ bytes in .* was killed/);
  });

  it('that prints slowly for ever is killed as well', async () => {
    vi.stubEnv('APTOS_BACKUP_ADAPTER_SECONDS', '1');
    const slowly = 'while :; do echo metadata/one.meta; sleep 0.2; done';
    const storage = new BackupStorage(listing(slowly).open());
    await expect(storage.listMetadata()).rejects.toThrow('did not end and was killed');
  });
});

it('a move that reports success and moves nothing is told', async () => {
  const place = new AdapterPlace(
    ADAPTERS['a folder whose files are never written over']!.replace(
      /backup_metadata_file: .*/,
      "backup_metadata_file: ':'",
    ),
  );
  const storage = new BackupStorage(place.open());
  await storage.saveMetadata('one.meta', line);
  await expect(storage.retireMetadata('metadata/one.meta')).rejects.toThrow(
    'backup_metadata_file reported success for metadata/one.meta, but list_metadata_files still shows it',
  );
});

describe('a file', () => {
  it('that is cut is damaged, and one whose transfer was cut is not', async () => {
    const { place, storage } = aws();
    await put(storage, '0-.chunk');
    place.misbehave('cut-get', 1);
    const read = () => storage.readAll('a_backup/0-.chunk', 100_000);
    await expect(read()).rejects.toMatchObject({ code: 'STORAGE_FAILED', retryable: true });
    expect(await read()).toHaveLength(90_000);
    truncateSync(place.objectOf('a_backup/0-.chunk'), 60);
    await expect(read()).rejects.toMatchObject({ code: 'DAMAGED' });
  });

  it('whose transfer is cut twice in a row is not damaged', async () => {
    const { place, storage } = aws();
    await put(storage, '0-.chunk');
    place.misbehave('cut-get', 2);
    const read = () => storage.readAll('a_backup/0-.chunk', 100_000);
    await expect(read()).rejects.toMatchObject({ code: 'STORAGE_FAILED', retryable: true });
    expect(await read()).toHaveLength(90_000);
  });

  it('is out of reach, and not missing, while the store answers with error pages', async () => {
    const place = new AdapterPlace(ADAPTERS['curl and python']!);
    const storage = new BackupStorage(place.open());
    await storage.saveMetadata('identity.meta', line);
    expect(await storage.stat('a_backup/plan.json')).toBeUndefined();
    writeFileSync(`${place.faults}/page-get`, '');
    const away = { code: 'STORAGE_FAILED' };
    await expect(storage.stat('a_backup/plan.json')).rejects.toMatchObject(away);
    await expect(storage.stat('metadata/identity.meta')).rejects.toMatchObject(away);
  });

  it('that is missing is known at once from a command that would go on trying for minutes', async () => {
    const place = new AdapterPlace(ADAPTERS['gcloud storage with tries']!);
    const storage = new BackupStorage(place.open());
    expect(await storage.stat('a_backup/plan.json')).toBeUndefined();
    expect(place.asked('get')).toHaveLength(1);
    expect(readdirSync(place.temporary)).toEqual([]);
  });

  it('that is missing and looks as if it were there makes an adapter unfit to write', async () => {
    const place = new AdapterPlace(
      ADAPTERS['rclone']!.replace(
        /open_for_read: .*/,
        "open_for_read: 'curl -s $ENDPOINT/$FILE_HANDLE'",
      ),
    );
    const storage = new BackupStorage(place.open());
    await expect(storage.begin()).rejects.toMatchObject({ code: 'STORAGE_UNFIT' });
    await expect(storage.begin()).rejects.toThrow('succeeds for a file that nobody ever stored');
    expect(place.asked('put')).toEqual([]);
  });
});

describe('a handle', () => {
  it('of a backup is passed on as it was printed', async () => {
    const yaml = ADAPTERS['rclone']!.replace(
      `'echo "$BACKUP_NAME"'`,
      `'echo "at/$BACKUP_NAME"'`,
    ).replace('FILE_HANDLE="$BACKUP_HANDLE/', 'FILE_HANDLE="${BACKUP_HANDLE#at/}/');
    const place = new AdapterPlace(yaml);
    const storage = new BackupStorage(place.open());
    await put(storage, '0-.chunk');
    expect(await storage.readAll('a_backup/0-.chunk', 100_000)).toHaveLength(90_000);
  });

  it('that names a file in another way is refused, because manifests could not be read by others', async () => {
    const yaml = ADAPTERS['rclone']!.replace(
      'FILE_HANDLE="$BACKUP_HANDLE/$FILE_NAME"',
      'FILE_HANDLE="other-$BACKUP_HANDLE/$FILE_NAME"',
    );
    const storage = new BackupStorage(new AdapterPlace(yaml).open());
    await expect(put(storage, '0-.chunk')).rejects.toThrow(
      'stored a_backup/0-.chunk under the handle other-a_backup/0-.chunk',
    );
  });
});
