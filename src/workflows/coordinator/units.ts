import { CancellationScope, isCancellation, proxyActivities, sleep } from '@temporalio/workflow';
import { getExternalWorkflowHandle } from '@temporalio/workflow';
import type { CoordinatorActivities } from '../../activities/coordinator.js';
import type { CoordinatorSettings } from '../../plan/coordinator.js';
import {
  type BackupType,
  type Target,
  describeTarget,
  targetKey,
  workflowIdOf,
} from '../../plan/job.js';
import { type Lie, withLies } from '../../plan/lies.js';
import { QUARANTINED } from '../../plan/messages.js';
import type { BackupResult } from '../../plan/unit.js';
import { unitOptions } from '../activity-options.js';
import { failureCode, liesOf, reasonOf } from '../failures.js';
import type { LaneControls } from '../lanes.js';
import { controlsSignal } from '../messages.js';

const { backUpUnit } = proxyActivities<CoordinatorActivities>(unitOptions);

/** A workflow is begun within moments, or somebody is away for longer. */
const MOST_TELLS = 5;
const TELL_AGAIN_MS = 3_000;

/** How a unit ended. */
export type UnitEnd =
  | { committed: BackupResult }
  | { givenUp: string }
  | { failed: { reason: string; code: string; lies?: Lie[] } };

/** The unit that a stream works on: a workflow of its own, which anybody may have started. */
export class RunningUnit {
  private readonly scope = new CancellationScope();
  private lost: string | undefined;
  private controls: LaneControls | undefined;
  private over = false;
  readonly workflowId: string;

  constructor(
    readonly target: Target,
    readonly since: number,
    storageId: string,
  ) {
    this.workflowId = workflowIdOf(storageId, target);
  }

  async run(settings: CoordinatorSettings, begun: boolean): Promise<UnitEnd> {
    const options = { ...unitOptions, summary: describeTarget(this.target) };
    const input = { ...unitInput(this.target, settings), existing_storage: begun };
    try {
      const result = await this.scope.run(() =>
        backUpUnit.executeWithOptions(options, [this.target.type, input]),
      );
      return { committed: result };
    } catch (error) {
      if (this.lost !== undefined) return { givenUp: this.lost };
      if (isCancellation(error)) throw error;
      const lies = withLies(liesOf(error));
      return { failed: { reason: reasonOf(error), code: failureCode(error), ...lies } };
    } finally {
      this.over = true;
    }
  }

  /** Stops the unit because it cannot be finished. What it stored is tidied away later. */
  giveUp(reason: string): void {
    this.lost = reason;
    this.scope.cancel();
  }

  /** Hands cap and pause to the unit: the latest, also to one whose workflow is only being started. */
  async tell(controls: LaneControls): Promise<void> {
    this.controls = controls;
    for (
      let tries = 0;
      tries < MOST_TELLS && this.controls === controls && !this.over;
      tries += 1
    ) {
      try {
        if (tries > 0) await sleep(TELL_AGAIN_MS);
        await getExternalWorkflowHandle(this.workflowId).signal(controlsSignal, controls);
        return;
      } catch (error) {
        if (isCancellation(error)) return;
        // It has not begun, or has just ended.
      }
    }
  }
}

/** The unit as the input of its workflow. Failing instead of blocking: the coordinator goes on. */
function unitInput(target: Target, settings: CoordinatorSettings) {
  const { nodes, storage, network, trustWaypoints, maxChunkSize, concurrency } = settings;
  const common = {
    node: nodes.length === 1 ? nodes[0]! : nodes,
    storage,
    ...(network === undefined ? {} : { network }),
    trust_waypoints: trustWaypoints,
    max_chunk_size: maxChunkSize,
    concurrency,
    when_blocked: 'fail' as const,
  };
  switch (target.type) {
    case 'epoch_ending':
      return {
        ...common,
        start_epoch: target.first,
        end_epoch: `${BigInt(target.last) + 1n}`,
      };
    case 'state_snapshot':
      return { ...common, epoch: target.epoch };
    case 'transaction':
      return {
        ...common,
        start_version: target.first,
        num_transactions: `${BigInt(target.last) - BigInt(target.first) + 1n}`,
      };
  }
}

/** How long a failed unit rests before its next try. */
export function restAfter(code: string, attempts: number): number {
  const MINUTE = 60_000;
  // Only another node, or a node that was given more room, has what one has pruned.
  if (code === 'NODE_PRUNED') return 6 * 60 * MINUTE;
  // Each try costs three processes of the worker apart, of a plan or a commit three workflow workers before.
  if (code === QUARANTINED) return Math.min(10 * MINUTE * 2 ** (attempts - 1), 24 * 60 * MINUTE);
  return Math.min(MINUTE * 2 ** (attempts - 1), 60 * MINUTE);
}

export function isSameUnit(a: Target, b: Target): boolean {
  return targetKey(a) === targetKey(b);
}

export type Running = Partial<Record<BackupType, RunningUnit>>;
