/** A thread of tests: looks for a file, or stores one, in the storage of an adapter. */
import { serveJobs } from '../../../src/lib/host/thread-entry.js';
import { openCommandAdapter } from '../../../src/storage/command/command-backend.js';
import { BackupStorage } from '../../../src/storage/storage.js';

serveJobs<{ adapter: string; stores: boolean }, null, boolean>(
  async ({ adapter, stores }, { signal }) => {
    const storage = new BackupStorage(openCommandAdapter(adapter), signal);
    if (!stores) return (await storage.stat('a_backup/0-.chunk')) !== undefined;
    const file = await storage.createFile('a_backup', '0-.chunk');
    try {
      await file.write(Buffer.alloc(200_000, 'chunk'));
      return (await file.publish({ replace: true })) === 'created';
    } finally {
      await file.discard();
    }
  },
  () => null,
);
