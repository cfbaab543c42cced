import { IDENTITY_FILE } from '../aptos/index.js';
import type { StorageConfig } from '../contract/job.js';
import { storageName } from '../contract/storage-name.js';
import { type Check, checkStorage, isFit, run } from '../repository/check-storage.js';
import { IDENTITY } from '../repository/metadata-file.js';
import { openScratch } from '../repository/scratch-storage.js';
import { putFile } from '../repository/stored-file.js';
import { METADATA } from '../storage/handles.js';
import { openStorage } from '../storage/open.js';
import { Interrupted } from '../client/command-failure.js';
import type { BackupStorage } from '../storage/storage.js';
import { isStorageError } from '../storage/storage-error.js';
import { type CommonFlags } from './options.js';
import { storageOf } from './storage-options.js';
import { print } from './print.js';

/**
 * `check` of a storage: tries what a storage can do, in a folder that it removes afterwards. Returns the exit code: 0 when the
 * storage is fit for backups, else 1.
 */
export async function runCheck(flags: CommonFlags, signal: AbortSignal): Promise<number> {
  const settings = storageOf(flags);
  const tell = (check: Check) => void (flags.json || print(rowOf(check)));
  if (!flags.json) print(`Can ${storageName(settings)} ...`);
  const checks = await checksOf(settings, signal, tell).catch((error: unknown) => {
    throw signal.aborted ? new Interrupted('interrupted; nothing was left behind') : error;
  });
  const fit = isFit(checks);
  if (flags.json) {
    print(JSON.stringify({ storage: storageName(settings), fit, checks }));
  } else {
    print(fit ? 'It is fit for backups.' : verdict(checks));
  }
  return fit ? 0 : 1;
}

/** What a storage was tried for, in a folder that is removed afterwards. @throws the reason of the signal */
export async function checksOf(
  settings: StorageConfig,
  signal: AbortSignal,
  tell: (check: Check) => void = () => undefined,
): Promise<Check[]> {
  const own = (check: Check) => {
    tell(check);
    return check;
  };
  if ('command_adapter_config' in settings) {
    // One command that hangs should not take the ten minutes that a large upload may take. An adapter that was opened
    // before would keep its limit.
    process.env['APTOS_BACKUP_ADAPTER_SECONDS'] ??= `${CHECK_SECONDS}`;
  }
  const read = own(await run({ what: READ, try: () => readStored(settings, signal) }));
  if ('command_adapter_config' in settings) {
    const adapter = openStorage(settings, signal);
    const write = own(await run({ what: WRITE, try: () => tryAdapter(adapter) }));
    return [read, write, own(await metadataCheck(adapter, write))];
  }
  const scratch = await openScratch(settings).catch((error: unknown) => error as Error);
  if (scratch instanceof Error) {
    return [read, own(await run({ what: WRITE, try: () => Promise.reject(scratch) }))];
  }
  return [read, ...(await checkStorage(scratch, tell, signal))];
}

const READ = 'list what is stored';
const WRITE = 'write into the place';
const CHECK_SECONDS = 60;
const MOST_IDENTITY_BYTES = 64 * 1024;

/** Commands cannot remove files, so there is no folder to try things in. This does what the first backup does. */
async function tryAdapter(adapter: BackupStorage): Promise<string> {
  await adapter.requireFit();
  return 'files read back as they were written; commands can neither lock nor remove anything';
}

/** Of a storage that is there, the identity is saved again as it is. A new one must not be begun by a check. */
async function metadataCheck(adapter: BackupStorage, write: Check): Promise<Check> {
  const what = 'save a metadata line';
  if (write.can !== 'yes') {
    // A store that keeps half of what it gets would leave half of the identity.
    const means = 'nothing can be written, so the identity of the storage was not touched';
    return { what, can: 'not tried', needed: false, means };
  }
  const identity = await readIdentity(adapter).catch(() => undefined);
  if (!identity) {
    const means = 'the first backup does it: a check begins no storage';
    return { what, can: 'not tried', needed: false, means };
  }
  return run({
    what,
    async try() {
      await putFile(adapter, METADATA, IDENTITY_FILE, identity, { replace: true });
      return 'the identity of the storage was saved again as it was';
    },
  });
}

async function readIdentity(adapter: BackupStorage): Promise<Uint8Array | undefined> {
  if (!(await adapter.listMetadata()).includes(IDENTITY)) return undefined;
  return adapter.readAll(IDENTITY, MOST_IDENTITY_BYTES);
}

async function readStored(settings: StorageConfig, signal: AbortSignal): Promise<string> {
  try {
    const { length } = await openStorage(settings, signal).listMetadata();
    return length === 0 ? 'nothing is stored yet' : `${length} metadata files`;
  } catch (error) {
    if (!isStorageError(error, 'STORAGE_MISSING')) throw error;
    return 'there is no storage yet: the first backup begins it';
  }
}

function rowOf({ what, can, means }: Check): string {
  return `  ${what.padEnd(40)} ${can.padEnd(9)}  ${means}`;
}

function verdict(checks: readonly Check[]): string {
  const readable = checks.some(({ what, can }) => what === READ && can === 'yes');
  const rest = readable ? ' What is in it can be read and verified.' : '';
  return `It is not fit for backups: see what it cannot do above.${rest}`;
}
