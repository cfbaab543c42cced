/**
 * Half the threads that a chunk worker has by default. Each of them loads and warms up its code for itself, which
 * takes longer than the small backups of tests.
 */
export const FEW_THREADS = { APTOS_BACKUP_CHUNK_SLOTS: '4' };
