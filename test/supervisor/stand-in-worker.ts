// Stands in for the worker: says in the file MARKER that it runs, and how it was stopped. While MARKER-waits is there, it
// says that something waits for the apart worker.
import { existsSync, writeFileSync } from 'node:fs';
import { stopWithParent } from '../../src/supervisor/supervised.js';

const { MARKER, APTOS_BACKUP_ROLE: role } = process.env;
/** Each worker of a group has its own. */
const marker = role === undefined ? MARKER! : `${MARKER}-${role}`;
stopWithParent();
process.on('SIGTERM', () => {
  writeFileSync(marker, `${process.pid} stopped by SIGTERM`);
  setTimeout(() => process.exit(0), Number(process.env['ENDS_AFTER_MS'] ?? 0));
});
if (process.env['CONNECTS']) process.send!({ connected: true });
writeFileSync(marker, `${process.pid} runs`);
setInterval(() => {
  if (existsSync(`${MARKER}-waits`)) process.send!({ waits: 'apart' });
}, 100);
