import type { Skipped } from '../../contract/answers/copy-answers.js';
import type {
  CopyCursor,
  CopyFrozen,
  CopyPage,
  CopySlice,
  CopyTask,
  CopyUnit,
} from '../../contract/copying.js';
import type { BackupType } from '../../contract/job.js';

/** Small backups share a task, and so a look at the target's metadata. Larger ones are cut into several. */
const TASK_BYTES = 512 * 1024 * 1024;
const TASK_CHUNKS = 48;
/** What a chunk is taken for whose size the manifest does not say. */
const USUAL_CHUNK_BYTES = 128 * 1024 * 1024;
/** These limits keep the payload of a page small. */
const PAGE_TASKS = 60;
const PAGE_UNITS = 200;
const MOST_SKIPPED = 100;

/** Collects one page of a copy. */
export class CopyPageBuilder {
  there = 0;
  readonly skipped: Skipped[] = [];
  lastType: BackupType | undefined;
  private readonly units: CopyUnit[] = [];
  private readonly tasks: CopyTask[] = [];
  private open: { slices: CopySlice[]; bytes: number; chunks: number } = none();

  constructor(
    private readonly chain: string,
    private readonly frozen: CopyFrozen,
  ) {}

  hasWork(): boolean {
    return this.units.length > 0;
  }

  /**
   * Adds a backup from chunk `from` on. Returns the chunk at which the next page must go on when this page is full;
   * undefined when all of it fits. `sizes`: bytes of its chunks, as far as they are known.
   */
  add(unit: CopyUnit, sizes: readonly (number | undefined)[], from: number): number | undefined {
    if (this.isFull()) return from;
    this.lastType = unit.type;
    const index = this.units.push(unit) - 1;
    const cuts = unit.type === 'epoch_ending' ? [unit.of] : cutsOf(sizes, from);
    let begin = from;
    for (const [n, to] of cuts.entries()) {
      if (n > 0 && this.isFull()) return begin;
      const bytes = sizes.slice(begin, to).reduce<number>((sum, size) => sum + bytesOf(size), 0);
      this.put({ unit: index, from: begin, to }, bytes);
      begin = to;
    }
    return undefined;
  }

  end(next?: CopyCursor): CopyPage {
    this.close();
    const { units, tasks, frozen, chain, there } = this;
    const skipped = this.skipped.slice(0, MOST_SKIPPED);
    const unlisted = this.skipped.length - skipped.length;
    const page = { units, tasks, frozen, chain, there, skipped, unlisted };
    return next ? { ...page, next } : page;
  }

  private isFull(): boolean {
    const open = this.open.slices.length > 0 ? 1 : 0;
    return this.tasks.length + open >= PAGE_TASKS || this.units.length >= PAGE_UNITS;
  }

  private put(slice: CopySlice, bytes: number): void {
    const chunks = slice.to - slice.from;
    const { open } = this;
    if (open.bytes + bytes > TASK_BYTES || open.chunks + chunks > TASK_CHUNKS) this.close();
    this.open.slices.push(slice);
    this.open.bytes += bytes;
    this.open.chunks += chunks;
  }

  private close(): void {
    if (this.open.slices.length > 0) this.tasks.push(this.open.slices);
    this.open = none();
  }
}

function none() {
  return { slices: [], bytes: 0, chunks: 0 };
}

function bytesOf(size: number | undefined): number {
  return size ?? USUAL_CHUNK_BYTES;
}

/** Where a backup is cut: the chunks behind each cut. A backup without chunks has one empty part. */
function cutsOf(sizes: readonly (number | undefined)[], from: number): number[] {
  const cuts: number[] = [];
  let [bytes, begin] = [0, from];
  for (let i = from; i < sizes.length; i += 1) {
    const size = bytesOf(sizes[i]);
    if (i > begin && (bytes + size > TASK_BYTES || i - begin >= TASK_CHUNKS)) {
      cuts.push(i);
      [bytes, begin] = [0, i];
    }
    bytes += size;
  }
  return [...cuts, sizes.length];
}
