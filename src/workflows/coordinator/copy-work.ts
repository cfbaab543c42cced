import { CancellationScope, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { KeptCopyActivities } from '../../activities/kept-copy-activities.js';
import type { CopyInput } from '../../contract/copy-input.js';
import { copyInputOf } from '../../contract/kept-copy.js';
import { storageName } from '../../contract/storage-name.js';
import { controlOptions, unitOptions } from '../activity-options.js';
import { reasonOf } from '../workflow-failure.js';
import type { Hindrance } from './hindrance.js';
import type { Memory } from './memory/memory.js';

const { lookAtCopy } = proxyActivities<KeptCopyActivities>(controlOptions);
const { awaitCopy } = proxyActivities<KeptCopyActivities>(unitOptions);

/**
 * Keeps a second storage in step: has a workflow copy what it lacks, one at a time. Nothing waits for it. A copy that
 * was begun goes on to its end, whatever becomes of this coordinator.
 */
export class CopyWork {
  private inHand: { input: string; scope: CancellationScope } | undefined;

  /** `wake` makes the main loop look again. */
  constructor(
    private readonly memory: Memory,
    private readonly hindrance: Hindrance,
    private readonly wake: () => void,
  ) {}

  /** Begins a copy when the second storage lacks something. With new settings, the running one is joined anew. */
  copyWhenDue(): void {
    const { copy, known } = this.memory;
    copy.lookedAt(Date.now());
    const input = copyInputOf(known.settings);
    if (this.inHand && this.inHand.input !== JSON.stringify(input)) {
      const { scope } = this.inHand;
      this.inHand = undefined;
      scope.cancel();
    }
    if (this.inHand || !input || this.hindrance.why !== undefined) return;
    if (!copy.isDue(Date.now())) return;
    copy.begun(Date.now());
    const scope = new CancellationScope();
    const inHand = { input: JSON.stringify(input), scope };
    this.inHand = inHand;
    const over = (note: () => void) => {
      if (this.inHand !== inHand) return; // for other settings
      this.inHand = undefined;
      note();
      this.wake();
    };
    void scope
      .run(() => this.run(input))
      .then(
        (note) => over(note),
        (error: unknown) => {
          if (!isCancellation(error))
            over(() => copy.ended({ failed: reasonOf(error) }, Date.now()));
        },
      );
  }

  /** Looks what the second storage lacks, and waits for a copy of it. Returns what is to be recorded at its end. */
  private async run(input: CopyInput): Promise<() => void> {
    const { copy, known } = this.memory;
    const order = () => (known.copy?.exists ? { ...input, existing_target: true } : input);
    const summary = `look what ${storageName(input.to)} has`.slice(0, 200);
    const look = await lookAtCopy.executeWithOptions({ ...controlOptions, summary }, [order()]);
    copy.seen(look);
    if (!copy.isBehind()) return () => copy.inStep();
    const aim = `have ${storageName(input.to)} brought in step`.slice(0, 200);
    const options = { ...unitOptions, summary: aim };
    for (;;) {
      const { failed, incomplete } = known.copy ?? {};
      const troubled = failed !== undefined && !incomplete;
      const news = await awaitCopy.executeWithOptions(options, [order(), troubled]);
      if ('troubled' in news) copy.troubled(news.troubled, Date.now());
      else if ('well' in news) copy.well();
      else return () => copy.ended(news, Date.now());
      this.wake();
    }
  }
}
