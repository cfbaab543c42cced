import {
  CancellationScope,
  isCancellation,
  proxyActivities,
  sleep,
  getExternalWorkflowHandle,
} from '@temporalio/workflow';
import type { CoordinatorActivities } from '../../activities/coordinator-activities.js';
import type { InputOf } from '../../contract/backup-input.js';
import type { CoordinatorSettings } from '../../contract/coordinator-state.js';
import {
  type BackupType,
  type Target,
  type TargetOf,
  describeTarget,
  workflowIdOf,
} from '../../contract/job.js';
import { rulesOf } from '../../contract/kinds/index.js';
import { withLies } from '../../contract/lies.js';
import { nodeLimitInput } from '../../contract/node-limits.js';
import { unitOptions } from '../activity-options.js';
import { failureCode, liesOf, reasonOf } from '../workflow-failure.js';
import type { LaneControls } from '../lanes.js';
import { controlsSignal } from '../message-definitions.js';
import type { UnitEnd } from './memory/unit-end.js';

const { backUpUnit } = proxyActivities<CoordinatorActivities>(unitOptions);

/** A workflow starts within moments. If it does not, more tries would not help. */
const MOST_TELLS = 5;
const TELL_AGAIN_MS = 3_000;

/** The unit that a stream works on. It runs as a workflow of its own, which anybody may have started. */
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

  async run(settings: Readonly<CoordinatorSettings>, begun: boolean): Promise<UnitEnd> {
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

  /** Stops a unit that cannot be finished. A later tidying removes what it stored. */
  giveUp(reason: string): void {
    this.lost = reason;
    this.scope.cancel();
  }

  /**
   * Sends concurrency and pause to the unit. It tries again while the workflow is still starting, but
   * only with the latest controls.
   */
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
        // The workflow has not started yet, or has just ended.
      }
    }
  }
}

/**
 * The input for the unit's workflow. The unit fails when it is blocked, because the coordinator must go
 * on.
 */
function unitInput<K extends BackupType>(
  target: TargetOf<K>,
  settings: Readonly<CoordinatorSettings>,
): InputOf<K> {
  const { nodes, storage, network, trustWaypoints, maxChunkSize, concurrency } = settings;
  const common = {
    node: nodes.length === 1 ? nodes[0]! : nodes,
    storage,
    network,
    trust_waypoints: trustWaypoints,
    max_chunk_size: maxChunkSize,
    concurrency,
    ...nodeLimitInput(settings.nodeLimits),
    when_blocked: 'fail' as const,
  };
  return { ...common, ...rulesOf<K>(target.type).inputOf(target) };
}

export type Running = Readonly<Partial<Record<BackupType, RunningUnit>>>;
