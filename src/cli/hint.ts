import { storageNamed } from '../contract/storage-name.js';
import type { CommonFlags } from './options.js';
import { STORAGE_FLAGS, namesStorage, shellWord, storageFlags } from './storage-options.js';

/** A first start names the node, too: the default is one on this host. */
const FIRST_UP = 'aptos-backup up --backup-service-address URL';

/** The flags with which another command finds the same storage and server, as they were typed. */
export function sameFlags(flags: CommonFlags): string {
  const names = { ...STORAGE_FLAG_NAMES, dataDir: '--data-dir' } as const;
  return Object.entries(names)
    .map(([key, name]) => [name, flags[key as keyof typeof names]] as const)
    .flatMap(([name, value]) => (value === undefined ? [] : ` ${name} ${shellWord(value)}`))
    .join('');
}

const STORAGE_FLAG_NAMES: Record<(typeof STORAGE_FLAGS)[number], string> = {
  localFsDir: '--local-fs-dir',
  storage: '--storage',
  commandAdapterConfig: '--command-adapter-config',
};

/** How to start what follows a node into the storage of the flags, or into any, for the first time. */
export function firstUp(flags: CommonFlags): string {
  return `${FIRST_UP}${namesStorage(flags) ? '' : ' --local-fs-dir DIR'}${sameFlags(flags)}`;
}

/** How to go on with a coordinator that rests: it has its settings. `storage`: its name. */
export function upAgain(storage: string, flags: CommonFlags): string {
  return `aptos-backup up ${storageFlags(storageNamed(storage))}${sameData(flags)}`;
}

/** How to end a coordinator from another terminal. `storage`: its name. */
export function stopOf(storage: string, flags: CommonFlags): string {
  return `aptos-backup stop ${storageFlags(storageNamed(storage))}${sameData(flags)}`;
}

function sameData({ dataDir }: CommonFlags): string {
  return dataDir === undefined ? '' : ` --data-dir ${shellWord(dataDir)}`;
}
