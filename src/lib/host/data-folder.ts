import { homedir } from 'node:os';
import path from 'node:path';

/**
 * The data folder of this host: the embedded server's database, logs, known epochs, caches, but no backups. The flag
 * comes before APTOS_BACKUP_DATA_DIR, and that before `~/.aptos-backup`.
 */
export function dataFolder(flag?: string, env: NodeJS.ProcessEnv = process.env): string {
  const named = flag ?? env['APTOS_BACKUP_DATA_DIR'];
  return named ? path.resolve(named) : path.join(homedir(), '.aptos-backup');
}

let used: string | undefined;

/**
 * From now on this process keeps its caches in a data folder. Programs call it when they begin. Without it, caches
 * are kept in memory only, and nothing stays behind. Undefined ends it.
 */
export function keepCachesIn(folder: string | undefined): void {
  used = folder;
}

/** The data folder for caches; undefined when there is none. */
export function cachesFolder(): string | undefined {
  return used;
}
