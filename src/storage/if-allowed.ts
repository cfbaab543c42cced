import { remark } from './remarks.js';
import { isStorageError } from './storage-error.js';

/** Whether something could be removed from a storage that may let nobody delete. */
export async function ifAllowed(
  description: string,
  remove: () => Promise<void>,
): Promise<boolean> {
  try {
    await remove();
    return true;
  } catch (error) {
    if (!isStorageError(error, 'DENIED')) throw error;
    remark(
      `${description} does not let us delete: backups work without it, but abandoned files stay there`,
    );
    return false;
  }
}
