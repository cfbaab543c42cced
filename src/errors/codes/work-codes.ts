import type { ErrorEntry } from '../entry.js';

/** Failures of activities and workflows, and of the programs around them. */
export const WORK_ERRORS = {
  INPUT_INVALID: {
    meaning: 'The input of a person or a program cannot be used.',
    fault: 'the input',
    retryable: false,
    whatToDo: 'Correct the field that the message names.',
  },
  RANGES_FAILED: {
    meaning: 'Some ranges of a backup failed after all their tries. The others are stored.',
    fault: 'nobody',
    retryable: false,
    whatToDo: 'Read the reason of the first range, correct it, and start the backup again.',
  },
  QUARANTINED: {
    meaning: 'The work killed its worker several times, even when it ran alone.',
    fault: 'aptos-backup',
    retryable: false,
    // Each try costs three processes.
    unitRest: [10, 1440],
    whatToDo: 'Read the crash report, give the worker more memory, then send a retry.',
  },
  KILLS_ITS_WORKER: {
    meaning: 'The worker died several times while this work ran. It is tried apart now.',
    fault: 'aptos-backup',
    retryable: false,
    whatToDo: 'Nothing yet: it now runs alone in a process, which shows whether it is the cause.',
  },
  WORKER_DIED: {
    meaning: 'The worker process died. Its work goes on in another one.',
    fault: 'the host',
    retryable: true,
    budget: 'troubles',
    whatToDo:
      'Nothing, if it is rare. Else read the crash report and check the memory of the host.',
  },
  STRAY_ERROR: {
    meaning: 'The worker stopped after an error that belongs to none of its activities.',
    fault: 'aptos-backup',
    retryable: true,
    budget: 'troubles',
    whatToDo: 'Report it, with the crash report.',
  },
  HANDED_BACK: {
    meaning: 'The worker was told to stop, and gave its work back.',
    fault: 'nobody',
    retryable: true,
    budget: 'troubles',
    whatToDo: 'Nothing: another worker goes on.',
  },
  STOOD_STILL: {
    meaning: 'The process stood still, for instance while its host slept.',
    fault: 'the host',
    retryable: true,
    budget: 'troubles',
    whatToDo: 'Nothing, if it is rare. Else check the load of the host.',
  },
  UNIT_STOPPED: {
    meaning: 'Somebody cancelled or terminated the workflow of a backup.',
    fault: 'nobody',
    retryable: false,
    whatToDo: 'Nothing: a coordinator starts it again later.',
  },
  NODE_UNUSABLE: {
    meaning: 'A scheduled backup found no node to back up from.',
    fault: 'the node',
    retryable: false,
    whatToDo: 'Read the message: the node is away, or behind the storage.',
  },
  VERIFY_FAILED: {
    meaning: 'A verification found something damaged, missing or unproven.',
    fault: 'the storage',
    retryable: false,
    whatToDo: 'Read the findings in the result, repair the objects, and verify again.',
  },
  COPY_INCOMPLETE: {
    meaning:
      'A copy left out backups that are damaged or not proven, or that overlap backups of the target.',
    fault: 'the storage',
    retryable: false,
    whatToDo:
      'Read what was skipped and why in the result, repair the objects in the source, and copy again.',
  },
  DRILL_FAILED: {
    meaning:
      'A restore drill failed: something needed is not proven, or the tool did not restore it.',
    fault: 'the storage',
    retryable: false,
    whatToDo: 'Read the report in the result; see docs/restoring.md for what the tool says.',
  },
  DRILL_NO_ROOM: {
    meaning: 'The scratch folder of a drill has too little room, or cannot be made.',
    fault: 'the host',
    retryable: false,
    whatToDo: 'Make room, or give a folder with more room with --scratch.',
  },
  DRILL_SCRATCH_TAKEN: {
    meaning: 'The scratch folder of a drill is used by another drill, or holds files of others.',
    fault: 'the host',
    retryable: true,
    budget: 'troubles',
    whatToDo: 'Wait for the other drill, or give another folder with --scratch.',
  },
  STOCK_TOOL_UNUSABLE: {
    meaning: 'The stock tool of a drill is not there, or cannot be run.',
    fault: 'the input',
    retryable: false,
    whatToDo: 'Give the path of the program on the host of the workers with --stock-binary.',
  },
  CONSOLIDATION_DAMAGE: {
    meaning:
      'A consolidation met damaged or unproven backups, and left their batches as they are. The others are consolidated.',
    fault: 'the storage',
    retryable: false,
    whatToDo: 'Read the findings in the result, repair the objects, and run it again.',
  },
  PRUNE_REFUSED: {
    meaning:
      'A prune would leave the stock tool less to restore, or metadata cannot be read. Nothing more was retired.',
    fault: 'the input',
    retryable: false,
    whatToDo:
      'Look at the plan with --dry-run. Change the rules, or give --force if the loss is wanted. Repair damaged metadata first.',
  },
  BACKUP_UNKNOWN: {
    meaning: 'No metadata line names the backup that was given.',
    fault: 'the input',
    retryable: false,
    whatToDo: 'Give the folder or the manifest of a committed backup.',
  },
  INTERNAL: {
    meaning: 'An error without a code: a bug in aptos-backup, or in something that it uses.',
    fault: 'aptos-backup',
    retryable: true,
    budget: 'troubles',
    whatToDo: 'Report it, with the message.',
  },
  TEMPORAL_BINARY_MISSING: {
    meaning: 'No Temporal server was found on the machine or fetched.',
    fault: 'the host',
    retryable: false,
    whatToDo: 'Install the temporal CLI, or set TEMPORAL_CLI_PATH or TEMPORAL_ADDRESS.',
  },
  TEMPORAL_START_FAILED: {
    meaning: 'The embedded Temporal server did not start.',
    fault: 'the host',
    retryable: false,
    whatToDo: 'Read its log, which the message names.',
  },
  TEMPORAL_UNREACHABLE: {
    meaning: 'The Temporal server that the environment names does not answer.',
    fault: 'the host',
    retryable: false,
    whatToDo: 'Start that server, or unset TEMPORAL_ADDRESS to use the embedded one.',
  },
  TEMPORAL_CONFIG: {
    meaning: 'The environment or config file that names a Temporal server cannot be used.',
    fault: 'the input',
    retryable: false,
    whatToDo: 'Check TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE and the TEMPORAL_TLS_* variables.',
  },
  DATA_FOLDER_LOCKED: {
    meaning: 'Another process holds the lock of the data folder for too long.',
    fault: 'the host',
    retryable: false,
    whatToDo: 'End that process if it is stuck, and run the command again.',
  },
} as const satisfies Record<string, ErrorEntry>;
