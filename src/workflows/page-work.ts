import type { CopyCursor, CopyPage, CopyTask, CopyUnit } from '../contract/copying.js';

/** The tasks of one page of a copy, and which of its backups are done. */
export class PageWork {
  private readonly tasks: CopyTask[];
  /** Tasks of each backup that are left, by its number. */
  private readonly left = new Map<number, number>();
  private readonly dropped = new Set<number>();
  private readonly toRepeat: CopyUnit[] = [];

  constructor(private readonly page: CopyPage) {
    this.tasks = [...page.tasks];
    for (const { unit } of page.tasks.flat()) this.left.set(unit, (this.left.get(unit) ?? 0) + 1);
  }

  /** The next task. Leaves out backups of which a part was wrong. */
  take(): CopyTask | undefined {
    for (;;) {
      const task = this.tasks.shift();
      if (!task) return undefined;
      const wanted = task.filter(({ unit }) => !this.dropped.has(unit));
      if (wanted.length > 0) return wanted;
    }
  }

  /** The backups of a task, and its slices with numbers among these. */
  orderOf(task: CopyTask): [CopyUnit[], CopyTask] {
    const slices = task.map((slice, unit) => ({ ...slice, unit }));
    return [task.map(({ unit }) => this.page.units[unit]!), slices];
  }

  /** Gives up a backup of a task, by its number there. False if it was given up before. */
  drop(task: CopyTask, number: number): boolean {
    const { unit } = task[number]!;
    if (this.dropped.has(unit)) return false;
    this.dropped.add(unit);
    return true;
  }

  /** A task is done. Returns the backups of which every chunk is copied now. */
  done(task: CopyTask): CopyUnit[] {
    return task.flatMap(({ unit }) => {
      const left = this.left.get(unit)! - 1;
      this.left.set(unit, left);
      if (left > 0 || this.dropped.has(unit)) return [];
      // A large backup goes on in the next page.
      const isCut = this.page.next?.manifest === this.page.units[unit]!.manifest;
      return isCut ? [] : [this.page.units[unit]!];
    });
  }

  again(unit: CopyUnit): void {
    this.toRepeat.push(unit);
  }

  /** The backups that must be copied again, in order. */
  lost(): CopyUnit[] {
    return this.page.units.filter((unit) => this.toRepeat.includes(unit));
  }

  /** Where the next page begins: behind a backup that was given up in its middle. */
  next(): CopyCursor | undefined {
    const { next, units } = this.page;
    const last = units.length - 1;
    const isDropped = this.dropped.has(last) && units[last]?.manifest === next?.manifest;
    return next && isDropped ? { ...next, after: true } : next;
  }
}
