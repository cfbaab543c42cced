/**
 * When an alarm of a coordinator is critical, and no longer a warning: at once, near the prune edge, never, or
 * once it has lasted as long as one of the limits of monitor/health.ts.
 */
type Critical = 'at once' | 'near the edge' | 'never' | 'trouble' | 'warning' | 'critical';

interface AlarmEntry {
  readonly meaning: string;
  readonly critical: Critical;
  readonly whatToDo: string;
}

const ONE_EACH = {
  STORAGE: {
    meaning: 'The storage cannot be used. Nothing goes on.',
    critical: 'trouble',
    whatToDo: 'Do what the text says. Most often the storage has to be mounted, or needs room.',
  },
  WATCH: {
    meaning: 'No node can be watched. Nothing goes on.',
    critical: 'trouble',
    whatToDo: 'Do what the text says. Most often the node has to be started.',
  },
  LEASE: {
    meaning: 'Another coordinator works on this storage. This one waits.',
    critical: 'never',
    whatToDo: 'Nothing, if it is a stand-by. Else stop one of the two.',
  },
  NODE: {
    meaning: 'A node does not answer, or not as it should.',
    critical: 'warning',
    whatToDo: 'Start the node, or give another one.',
  },
  NODE_LIED: {
    meaning: 'Some nodes sent data that fails its proof. Other nodes are asked.',
    critical: 'never',
    whatToDo: 'Check the database of these nodes. A retry clears the alarm.',
  },
  ALL_NODES_LIED: {
    meaning: 'Every node sent data that fails its proof.',
    critical: 'at once',
    whatToDo: 'Add a node that is well. Check network and trusted waypoints.',
  },
  PRUNE_EDGE: {
    meaning: 'The node will soon prune data that is not stored yet.',
    critical: 'near the edge',
    whatToDo: 'Raise the concurrency, or the prune window of the node, or add a node.',
  },
  LOST: {
    meaning: 'Transactions are not stored, and no node has them any more.',
    critical: 'at once',
    whatToDo: 'Add a node that keeps more.',
  },
  SNAPSHOT_GIVEN_UP: {
    meaning: 'A snapshot was given up, because the node prunes it. The next one clears the alarm.',
    critical: 'never',
    whatToDo: 'Nothing. If it repeats, raise the concurrency, or the prune window of the node.',
  },
  DAMAGED: {
    meaning: 'Some metadata lines of the storage cannot be used.',
    critical: 'never',
    whatToDo: 'Run a verification, and repair what it names.',
  },
  COMPACTION: {
    meaning: 'The metadata could not be compacted. Backups go on. The compaction is tried again.',
    critical: 'never',
    whatToDo: 'Do what the text says. Until then the metadata grows, and reading it takes longer.',
  },
  COPY: {
    meaning:
      'The second storage cannot be brought in step. Backups go on. The copy is tried again.',
    critical: 'never',
    whatToDo: 'Do what the text says. `retry` tries it at once.',
  },
} as const satisfies Record<string, AlarmEntry>;

/** These stand for one stream each: FAILED_transaction. */
const ONE_A_STREAM = {
  FAILED: {
    meaning: 'A unit of the stream failed. The unit is tried again after a rest.',
    critical: 'critical',
    whatToDo: 'Read the reason, correct it, then send a retry.',
  },
  NODE_BEHIND: {
    meaning: 'The node did not have what it said it had.',
    critical: 'never',
    whatToDo: 'Nothing: it is asked again. If it repeats, check the node.',
  },
} as const satisfies Record<string, AlarmEntry>;

export const ALARMS = { ...ONE_EACH, ...ONE_A_STREAM } as const;
export type AlarmCode = keyof typeof ONE_EACH | `${keyof typeof ONE_A_STREAM}_${string}`;

/** When it is critical; `never` for an alarm of another version. */
export function whenCritical(code: string): Critical {
  const name = Object.keys(ONE_A_STREAM).find((one) => code.startsWith(`${one}_`)) ?? code;
  return Object.hasOwn(ALARMS, name) ? ALARMS[name as keyof typeof ALARMS].critical : 'never';
}
