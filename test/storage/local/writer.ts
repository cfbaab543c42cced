// A process that writes one file in steps, each when told by a line on its standard input.
import { createInterface } from 'node:readline';
import { LocalBackend } from '../../../src/storage/local/local-backend.js';
import { BackupStorage } from '../../../src/storage/storage.js';

const [root = '', text = ''] = process.argv.slice(2);
const storage = new BackupStorage(new LocalBackend(root));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
console.log('ready');
await lines.next();
const file = await storage.createFile(await storage.createBackup('a_backup'), 'x.chunk');
await file.write(Buffer.from(text));
console.log('written');
await lines.next();
console.log(await file.publish());
await file.discard();
