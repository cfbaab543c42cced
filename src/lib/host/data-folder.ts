import { homedir } from 'node:os';
import path from 'node:path';

/**
 * The data folder of this host: the embedded server's database, logs, known epochs, but no backups. The flag
 * comes before APTOS_BACKUP_DATA_DIR, and that before `~/.aptos-backup`.
 */
export function dataFolder(flag?: string, env: NodeJS.ProcessEnv = process.env): string {
  const named = flag ?? env['APTOS_BACKUP_DATA_DIR'];
  return named ? path.resolve(named) : path.join(homedir(), '.aptos-backup');
}
