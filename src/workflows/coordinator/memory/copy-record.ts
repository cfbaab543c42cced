import type { AlarmCode } from '../../../errors/codes/alarms-codes.js';
import type { CoordinatorMemory } from '../../../contract/coordinator-memory.js';
import {
  type Copied,
  type CopyLag,
  type CopyLook,
  type CopyMemo,
  type CopyOver,
  copyLag,
  isNoLag,
} from '../../../contract/kept-copy.js';
import { isSamePlace, storageName } from '../../../contract/storage-name.js';

const FIRST_REST_MS = 15_000;
export const LONGEST_COPY_REST_MS = 30 * 60_000;

interface Alarms {
  alarmRaised(code: AlarmCode, text: string, now: number): void;
  alarmOver(code: AlarmCode): void;
}

/** What the memory of a coordinator says of its copy. Each method records an event; times are unix milliseconds. */
export class CopyRecord {
  constructor(
    private readonly kept: CoordinatorMemory,
    private readonly alarms: Alarms,
  ) {}

  /** Takes the settings and the newest survey into account. */
  lookedAt(now: number): void {
    const { copyTo } = this.kept.settings;
    const { copy } = this.kept;
    if (!copyTo || (copy && !isSamePlace(copy.to, copyTo))) {
      delete this.kept.copy;
      this.alarms.alarmOver('COPY');
    }
    if (!copyTo) return;
    const memo = (this.kept.copy ??= { to: copyTo, failures: 0, retryAt: 0 });
    if (this.isBehind()) memo.behindSince ??= now;
    else delete memo.behindSince;
  }

  /** How much of the storage the copy lacks; undefined: not known yet. */
  get lag(): CopyLag | undefined {
    const { survey, copy } = this.kept;
    return survey && copy?.has && copyLag(survey, copy.has);
  }

  /** Whether the copy lacks anything, or nobody knows. */
  isBehind(): boolean {
    const { lag } = this;
    return lag === undefined || !isNoLag(lag);
  }

  /** Whether a copy is to be begun, or joined. */
  isDue(now: number): boolean {
    const { copy, survey } = this.kept;
    if (!copy || !survey) return false;
    if (survey.epochs.length + survey.versions.length + survey.snapshots.length === 0) return false;
    if (copy.running) return true;
    if (copy.failures > 0) return now >= copy.retryAt;
    return copy.look === true || this.isBehind();
  }

  /** The storage was read anew; somebody may have changed the copy meanwhile. */
  surveyed(): void {
    if (this.kept.copy) this.kept.copy.look = true;
  }

  begun(now: number): void {
    const { copy, survey } = this.kept;
    if (!copy || !survey) return;
    delete copy.look;
    if (copy.running) return; // the run before this one has begun it
    copy.running = true;
    copy.begunAt = now;
    const { epochs, versions, snapshots } = survey;
    copy.aim = detached({ epochs, versions, snapshots });
  }

  /** Records what the second storage has. */
  seen({ has, exists, workflowId }: CopyLook): void {
    const { copy } = this.kept;
    if (!copy) return;
    copy.has = has;
    copy.workflowId = workflowId;
    if (exists) copy.exists = true;
  }

  /** It has everything; nothing was to be copied. */
  inStep(): void {
    this.over((copy) => this.isWell(copy));
  }

  /** A copy ended, or could not be begun. */
  ended({ failed, incomplete, look }: CopyOver, now: number): void {
    if (look) this.seen(look);
    this.over((copy) => {
      copy.endedAt = now;
      copy.outcome = failed === undefined ? 'done' : 'failed';
      delete copy.incomplete;
      if (failed === undefined) {
        if (copy.aim) copy.has = copy.aim;
        copy.exists = true;
        if (copy.begunAt !== undefined) copy.behindSince = copy.begunAt;
        this.isWell(copy);
        return;
      }
      const rest = Math.min(FIRST_REST_MS * 2 ** Math.min(copy.failures, 20), LONGEST_COPY_REST_MS);
      copy.failures += 1;
      copy.retryAt = now + rest;
      this.troubled(failed, now);
      if (incomplete) copy.incomplete = true;
    });
    this.lookedAt(now);
  }

  /** The running copy fails at something, and tries it again. */
  troubled(why: string, now: number): void {
    const { copy } = this.kept;
    if (!copy || copy.incomplete) return;
    copy.failed = why;
    this.alarms.alarmRaised('COPY', `the copy in ${storageName(copy.to)}: ${why}`, now);
  }

  /** The running copy goes on. */
  well(): void {
    const { copy } = this.kept;
    if (!copy || copy.incomplete) return;
    delete copy.failed;
    this.alarms.alarmOver('COPY');
  }

  /** Makes a failed copy due now. Returns how many there are. */
  retryAsked(): number {
    const { copy } = this.kept;
    if (!copy || copy.running || copy.failures === 0) return 0;
    copy.retryAt = 0;
    return 1;
  }

  private isWell(copy: CopyMemo): void {
    copy.failures = 0;
    delete copy.failed;
    delete copy.incomplete;
    this.alarms.alarmOver('COPY');
  }

  private over(note: (copy: CopyMemo) => void): void {
    const { copy } = this.kept;
    if (!copy) return;
    delete copy.running;
    note(copy);
    delete copy.aim;
  }
}

/** The survey changes with each commit, and what a copy aims at must not. */
function detached({ epochs, versions, snapshots }: Copied): Copied {
  return {
    epochs: epochs.map((run) => ({ ...run })),
    versions: versions.map((run) => ({ ...run })),
    snapshots: [...snapshots],
  };
}
