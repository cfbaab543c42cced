/** The workflow types that a worker of ours runs. */
export { backupCoordinator } from './backup-coordinator.js';
export { backupDue } from './backup-due.js';
export { epochEndingBackup, stateSnapshotBackup, transactionBackup } from './backup/backup.js';
export { copyBackups } from './copy-backups.js';
export { chunkSegment } from './backup/segment.js';
export { limitNode } from './limit-node.js';
export { restoreDrill } from './restore-drill.js';
export { compactMetadata } from './upkeep/compact-metadata.js';
export { consolidateBackups } from './upkeep/consolidate.js';
export { collectGarbage } from './upkeep/gc.js';
export { pruneBackups } from './upkeep/prune.js';
export { verifyBackups } from './verify-backups.js';
