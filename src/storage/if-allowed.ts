import { remark } from './remarks.js';
import { isStorageError } from './storage-error.js';

/** Whether something could be removed from a storage that may let nobody delete. `so`: what that means. */
export async function ifAllowed(
  description: string,
  remove: () => Promise<unknown>,
  so = 'backups work without it, but abandoned files stay there',
): Promise<boolean> {
  try {
    await remove();
    return true;
  } catch (error) {
    if (!isStorageError(error, 'DENIED')) throw error;
    remark(`${description} does not let us delete: ${so}`);
    return false;
  }
}
