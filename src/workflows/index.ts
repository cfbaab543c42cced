/** The workflow types that a worker of ours runs. */
export { backupCoordinator } from './backup-coordinator.js';
export { backupDue } from './backup-due.js';
export { epochEndingBackup } from './epoch-ending-backup.js';
export { stateSnapshotBackup } from './state-snapshot-backup.js';
export { transactionBackup } from './transaction-backup.js';
export { chunkSegment } from './segment.js';
export { verifyBackups } from './verify-backups.js';
