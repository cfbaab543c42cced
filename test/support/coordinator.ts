import type { WorkflowHandle } from '@temporalio/client';
import { CancelledFailure, Context } from '@temporalio/activity';
import { coordinatorId } from '../../src/client/live-status.js';
import type { CoordinatorInput } from '../../src/contract/coordinator-input.js';
import type { WatchOrder, WatchResult } from '../../src/contract/coordinator-state.js';
import type { NodeView, Survey, Unreferenced } from '../../src/contract/coordinator-memory.js';
import type { BackupType } from '../../src/contract/job.js';
import { CONTROL_QUEUE } from '../../src/contract/messages.js';
import type { BackupResult } from '../../src/contract/unit.js';
import { type BackupInput } from '../../src/client/start-backup.js';
import type { CoordinatorStatus } from '../../src/contract/answers/coordinator-answers.js';

/** Input of a unit, as the coordinator gives it to the activity that runs it. */
export interface UnitCall {
  type: BackupType;
  input: Record<string, string>;
}

/**
 * Stand-ins for the coordinator's activities, for tests of its decisions alone: a storage that is empty
 * at first, a node as the test sets it, and units that succeed at once.
 */
export class PretendedWorld {
  readonly calls: UnitCall[] = [];
  watches = 0;
  survey: Survey = {
    storageId: 'pretend',
    epochs: [],
    versions: [],
    snapshots: [],
    damaged: [],
    damagedCount: 0,
  };
  surveyError: Error | undefined;
  /** What a unit does; by default it is committed at once. */
  unit: (call: UnitCall) => Promise<void> = () => Promise.resolve();

  constructor(public node: { ended: number; version: number }) {}

  /** The first and last record of a unit, or the epoch of a snapshot. */
  static span({ type, input }: UnitCall): string {
    if (type === 'state_snapshot') return input['epoch']!;
    const first = BigInt(input['start_version'] ?? input['start_epoch']!);
    const count = input['num_transactions'];
    const last =
      count === undefined ? BigInt(input['end_epoch']!) - 1n : first + BigInt(count) - 1n;
    return `${first}-${last}`;
  }

  spans(type: BackupType): string[] {
    return this.calls.filter((call) => call.type === type).map((call) => PretendedWorld.span(call));
  }

  /**
   * Returns when the order is fulfilled, as the real watch does. Polls, so that a test can let the node
   * grow.
   */
  watch = async (order: WatchOrder): Promise<WatchResult> => {
    this.watches += 1;
    const { cancellationSignal: signal } = Context.current();
    for (;;) {
      const { ended, version } = this.node;
      const view: NodeView = {
        ended: `${ended}`,
        version: `${version}`,
        at: Date.now(),
        versionsPerSecond: 1,
      };
      const news =
        !order.view ||
        (order.version !== undefined && BigInt(order.version) <= BigInt(version)) ||
        (order.ended !== undefined && BigInt(order.ended) <= BigInt(ended)) ||
        (order.until !== undefined && order.until <= Date.now());
      if (news) return { view };
      if (signal.aborted) throw new CancelledFailure('dropped');
      await new Promise((resolve) => setTimeout(resolve, 10));
      Context.current().heartbeat();
    }
  };

  get activities() {
    return {
      claimStorage: () => Promise.resolve({}),
      releaseStorage: () => Promise.resolve(),
      tidyStorage: (): Promise<Unreferenced> =>
        Promise.resolve({ folders: 0, first: [], files: 0, removed: 0, again: false }),
      surveyStorage: () =>
        this.surveyError ? Promise.reject(this.surveyError) : Promise.resolve(this.survey),
      watchNode: this.watch,
      backUpUnit: async (type: BackupType, input: BackupInput): Promise<BackupResult> => {
        const call = { type, input: input as unknown as Record<string, string> };
        this.calls.push(call);
        // Ends with the worker, whatever the test makes it wait for.
        await Promise.race([this.unit(call), Context.current().cancelled]);
        return resultOf(call);
      },
    };
  }
}

export function resultOf(call: UnitCall): BackupResult {
  const span = PretendedWorld.span(call);
  const [first, last] = span.split('-');
  const range = {
    epoch_ending: { first: first!, last: last!, ends_at_version: `${Number(last) * 100}` },
    state_snapshot: { epoch: span, version: `${Number(span) * 100}` },
    transaction: { first: first!, last: last! },
  }[call.type];
  return {
    type: call.type,
    ...range,
    backup: `${call.type}_${span}`,
    manifest: `${call.type}_${span}/manifest`,
    metadata: `metadata/${call.type}_${span}.meta`,
    records: '10',
    chunks: 1,
    bytes: 1000,
    proven: 'signed',
    anchor: { waypoint: `0:${'00'.repeat(32)}`, confirmed: true },
    chunks_reused: 0,
    already_committed: false,
  } as BackupResult;
}

let storages = 0;
/** A coordinator's input with a storage of its own. */
export function coordinatorInput(extra: Partial<CoordinatorInput> = {}): CoordinatorInput {
  storages += 1;
  return {
    node: 'http://localhost:6186',
    storage: { local_fs_dir: `/backups/${process.pid}-${storages}` },
    transaction_batch_size: 100,
    ...extra,
  };
}

export const startOptions = (input: CoordinatorInput) => ({
  workflowId: coordinatorId(input.storage),
  taskQueue: CONTROL_QUEUE,
  args: [input],
});

export const coordinatorStatus = (handle: WorkflowHandle) =>
  handle.query<CoordinatorStatus>('status');
