/** Commands that take long: one that works goes on, one that only talks does not, and a second place counts. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { BackupStorage } from '../../../src/storage/storage.js';
import { AdapterPlace } from '../../support/adapters/place.js';
import { ADAPTERS } from '../../support/adapters/yaml.js';

function listing(command: string): BackupStorage {
  const yaml = ADAPTERS['a folder whose files are never written over']!.replace(
    /list_metadata_files: .*/,
    () => `list_metadata_files: ${JSON.stringify(command)}`,
  );
  return new BackupStorage(new AdapterPlace(yaml).open());
}

it('a command that only says that it waits is killed, and what it said is shown', async () => {
  vi.stubEnv('APTOS_BACKUP_ADAPTER_SECONDS', '1');
  const failed = listing('while :; do echo still waiting >&2; sleep 0.2; done').listMetadata();
  await expect(failed).rejects.toMatchObject({ code: 'STORAGE_STALLED' });
  await expect(failed).rejects.toThrow('It said: still waiting');
});

it('a listing that broke off behind `||:` is an outage, although it shows some files', async () => {
  const storage = listing('(echo metadata/a.meta; echo "ServerError: 503" >&2; exit 1) ||:');
  await expect(storage.listMetadata()).rejects.toThrow('listed 1 names and complained');
});

it('a warning beside a listing is no outage', async () => {
  const storage = listing('(echo metadata/a.meta; echo "WARNING: Python 3.8 fails soon" >&2) ||:');
  expect(await storage.listMetadata()).toEqual(['metadata/a.meta']);
});

it('a file in the second of two places is found, however slow the second one is', async () => {
  const yaml = ADAPTERS['rclone']!.replace(
    /open_for_read: .*/,
    () => `open_for_read: |
    for PLACE in one bucket/e1; do
      if [ -f "$STORE/$PLACE/$FILE_HANDLE" ]; then slowcat "$STORE/$PLACE/$FILE_HANDLE"; exit 0; fi
      echo "An error occurred (404) when calling the HeadObject operation: $PLACE/$FILE_HANDLE" >&2
    done
    exit 1`,
  );
  const place = new AdapterPlace(yaml);
  const programs = join(place.root, 'bin');
  mkdirSync(programs);
  writeFileSync(join(programs, 'slowcat'), '#!/bin/sh\nsleep 2; cat "$1"\n');
  chmodSync(join(programs, 'slowcat'), 0o755);
  vi.stubEnv('PATH', `${programs}:${process.env['PATH']}`);
  const object = place.objectOf('a_backup/0-.chunk');
  mkdirSync(dirname(object), { recursive: true });
  writeFileSync(object, 'content');
  const storage = new BackupStorage(place.open());
  const read = await storage.readAll('a_backup/0-.chunk', 100);
  expect(Buffer.from(read).toString()).toBe('content');
});
