/** The workflow types that a worker of ours runs. */
export { backupCoordinator } from './backup-coordinator.js';
export { backupDue } from './backup-due.js';
export { epochEndingBackup, stateSnapshotBackup, transactionBackup } from './backup/backup.js';
export { copyBackups } from './copy-backups.js';
export { chunkSegment } from './backup/segment.js';
export { verifyBackups } from './verify-backups.js';
