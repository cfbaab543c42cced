import { homedir } from 'node:os';
import path from 'node:path';

/** Where this host keeps what is not a backup: the embedded server's database, logs, known epochs. */
export function dataFolder(flag?: string, env: NodeJS.ProcessEnv = process.env): string {
  const named = flag ?? env['APTOS_BACKUP_DATA_DIR'];
  return named ? path.resolve(named) : path.join(homedir(), '.aptos-backup');
}
