import { isCancellation } from '@temporalio/workflow';
import { STREAMS } from '../../contract/coordinator-state.js';
import type { BackupType, Target } from '../../contract/job.js';
import type { LaneControls } from '../lanes.js';
import type { Memory } from './memory/memory.js';
import type { UnitEnd } from './memory/unit-end.js';
import { type Running, RunningUnit } from './running-unit.js';

/** The running units of a coordinator: one per stream at most. */
export class UnitsInHand {
  private readonly units: Partial<Record<BackupType, RunningUnit>> = {};
  /** Streams that have started a unit in this run. */
  private readonly joined = new Set<BackupType>();

  constructor(
    private readonly memory: Memory,
    private readonly ended: (unit: RunningUnit, end: UnitEnd) => void,
  ) {}

  get running(): Running {
    return this.units;
  }

  /** Their targets, in the order of the streams. */
  get targets(): Target[] {
    return this.list().map(({ target }) => target);
  }

  start(target: Target, storageId: string): void {
    const unit = new RunningUnit(target, Date.now(), storageId);
    this.units[target.type] = unit;
    // A cancellation reaches the main loop, too, and ends the workflow there.
    this.follow(unit).catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
    // A unit that runs already may have older controls, from the last run or another coordinator.
    if (this.joined.has(target.type)) return;
    this.joined.add(target.type);
    void unit.tell(this.controlsOf(target.type));
  }

  /** Sends concurrency and pause to all running units. */
  async tellAll(): Promise<void> {
    await Promise.all(this.list().map((unit) => unit.tell(this.controlsOf(unit.target.type))));
  }

  private async follow(unit: RunningUnit): Promise<void> {
    const end = await unit.run(this.memory.known.settings, true);
    delete this.units[unit.target.type];
    this.memory.unitEnded(unit.target, end, unit.since, Date.now());
    this.ended(unit, end);
  }

  private controlsOf(type: BackupType): LaneControls {
    const { settings, streams } = this.memory.known;
    return { concurrency: settings.concurrency, paused: streams[type].paused };
  }

  private list(): RunningUnit[] {
    return STREAMS.flatMap((type) => this.units[type] ?? []);
  }
}
