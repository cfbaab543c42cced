import type { ErrorEntry } from '../entry.js';

/** A backup as a whole: node, storage and trust together. */
export const BACKUP_ERRORS = {
  CHAIN_MISMATCH: {
    meaning: 'The node is of another chain than the storage, the network or the trusted waypoints.',
    fault: 'the node',
    retryable: true,
    budget: 'lies',
    rest: 'lie',
    finding: 'DAMAGED',
    whatToDo:
      'Check node, storage, --network and --trust-waypoint: one of them is of another chain.',
  },
  NODES_DISAGREE: {
    meaning: 'The nodes are of different chains, and nothing says which of them is meant.',
    fault: 'the input',
    retryable: false,
    whatToDo: 'Give nodes of one chain, or name the chain with --network or --trust-waypoint.',
  },
  WAYPOINTS_DISAGREE: {
    meaning: 'Two trusted waypoints name different ledger infos for one version.',
    fault: 'the input',
    retryable: false,
    finding: 'DAMAGED',
    whatToDo: 'Check --trust-waypoint and --network.',
  },
  NODE_BEHIND: {
    meaning: 'The node does not have yet what was asked for.',
    fault: 'the node',
    retryable: true,
    budget: 'lies',
    rest: 'trouble',
    whatToDo: 'Wait until the node has synced, give another node, or ask for less.',
  },
  NODE_PRUNED: {
    meaning: 'The node had what was asked for, but has pruned it.',
    fault: 'the node',
    retryable: true,
    budget: 'lies',
    rest: 'trouble',
    // Only another node, or one that was given more room, has what this one pruned.
    unitRest: [360, 360],
    whatToDo: 'Add a node that keeps more.',
  },
  NODE_LIED: {
    meaning: 'The node sent data that fails its proof.',
    fault: 'the node',
    retryable: true,
    budget: 'lies',
    rest: 'lie',
    finding: 'DAMAGED',
    whatToDo: 'Do not trust this node until its database has been checked. Give another one.',
  },
  HISTORY_UNSIGNED: {
    meaning: 'Signatures are missing or wrong, and no trusted waypoint covers the history.',
    fault: 'the node',
    retryable: true,
    budget: 'lies',
    rest: 'trouble',
    finding: 'UNPROVEN',
    whatToDo:
      'If the chain has unsigned history, give --trust-waypoint of a later epoch ending. If not, give another node.',
  },
  SIGNERS_NOT_STORED: {
    meaning: 'The storage lacks the epoch ending that names the validators who signed.',
    fault: 'the storage',
    retryable: false,
    finding: 'UNPROVEN',
    whatToDo: 'Back up the missing epoch endings, then verify again.',
  },
  FRONTIER_MISMATCH: {
    meaning: 'No chunk of the snapshot is stored, although the state is not empty.',
    fault: 'the storage',
    retryable: false,
    finding: 'DAMAGED',
    whatToDo: 'Start the backup of this snapshot again.',
  },
  STORED_DAMAGED: {
    meaning:
      'A file that aptos-backup wrote to the storage is damaged, and the backup cannot go on without it.',
    fault: 'the storage',
    retryable: false,
    finding: 'DAMAGED',
    whatToDo: 'Do what the message says. A verification tells what else is damaged.',
  },
  UNIT_INCOMPLETE: {
    meaning: 'The commit found ranges that are missing, were changed, or do not fit together.',
    fault: 'the storage',
    retryable: false,
    finding: 'DAMAGED',
    whatToDo: 'Nothing: the backup stores these ranges again.',
  },
  RANGE_COMMITTED: {
    meaning: 'The storage already has another backup of the same range.',
    fault: 'nobody',
    retryable: false,
    whatToDo: 'Nothing, if somebody else backs up the same chain. A coordinator plans anew.',
  },
  RANGE_OVERLAP: {
    meaning: 'The storage already has a backup of a part of the range.',
    fault: 'nobody',
    retryable: false,
    whatToDo: 'Ask for what is missing. A coordinator plans anew.',
  },
  COMMIT_LOCK_LOST: {
    meaning: 'Another host committed while this one was silent for too long.',
    fault: 'the host',
    retryable: true,
    budget: 'troubles',
    whatToDo:
      'Nothing: the commit is tried again. If it repeats, check the load and the clock of the hosts.',
  },
  UNIT_ABANDONED: {
    meaning: 'Somebody is removing the folder of this backup.',
    fault: 'nobody',
    retryable: false,
    whatToDo: 'Start the backup again, if it is still wanted.',
  },
  STORAGE_EMPTIED: {
    meaning: 'Files that were written before are gone: the storage was unmounted or emptied.',
    fault: 'the storage',
    retryable: true,
    budget: 'storage',
    whatToDo:
      'Mount it again. If it was removed on purpose: `aptos-backup stop`, or cancel the backup that was started alone; then start it again.',
  },
  METADATA_REMOVED: {
    meaning: 'The storage held backups, and has no metadata any more. Nothing was written.',
    fault: 'the storage',
    retryable: false,
    whatToDo:
      'Put the metadata back. If it was removed on purpose, remove the folder that the message names, too.',
  },
  TOO_MANY_CHUNKS: {
    meaning: 'The chunks are so small that the manifest would become too large to read.',
    fault: 'the input',
    retryable: false,
    whatToDo: 'Raise --max-chunk-size.',
  },
  THREAD_DIED: {
    meaning: 'The thread that worked on a range or a file crashed.',
    fault: 'aptos-backup',
    retryable: true,
    budget: 'troubles',
    whatToDo: 'Give the worker more memory, or fewer lanes. If it repeats, report it.',
  },
  NOTHING_TO_VERIFY: {
    meaning: 'The verification found nothing to check.',
    fault: 'the input',
    retryable: false,
    whatToDo: 'Check the path and the range that was asked for.',
  },
} as const satisfies Record<string, ErrorEntry>;
