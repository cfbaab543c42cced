import { randomUUID } from 'node:crypto';
import { createBatchHasher } from '../../src/aptos/index.js';
import type { CopyResult } from '../../src/contract/answers/copy-answers.js';
import { type CopyInput, parseCopyInput } from '../../src/contract/copy-input.js';
import {
  addCopied,
  addCopyTask,
  addSkipped,
  copyResultOf,
  noCopyTotals,
} from '../../src/contract/copy-totals.js';
import type { CopyCursor, CopyFrozen, CopyTask } from '../../src/contract/copying.js';
import { commitCopies } from '../../src/upkeep/copy/commit-copies.js';
import { openEnds } from '../../src/upkeep/copy/copy-ends.js';
import { planCopyPage } from '../../src/upkeep/copy/copy-plan.js';
import { copySlices } from '../../src/upkeep/copy/copy-task.js';
import { sortOutGone } from '../../src/upkeep/copy/copy-unit.js';
import { readChain } from '../../src/verify/read-chain.js';
import type { StoredChain } from '../../src/verify/stored-chain.js';
import { PageWork } from '../../src/workflows/page-work.js';
import { inThread } from './in-thread.js';

export interface CopySteps {
  /** Runs before each task. What it throws ends the copy there, as a kill would. */
  beforeTask?: (task: CopyTask) => void | Promise<void>;
  /** Runs when all chunks of some backups are there, before their commit. */
  beforeCommit?: () => void | Promise<void>;
}

/** The steps of a copy workflow, without Temporal: one after another, each once. */
export async function copyAll(input: CopyInput, steps: CopySteps = {}): Promise<CopyResult> {
  const { settings, scope } = parseCopyInput(input);
  const signal = AbortSignal.timeout(120_000);
  const ends = await openEnds(settings, signal);
  const hasher = createBatchHasher();
  const { from: storage, network, trustWaypoints } = settings;
  const holder = { owner: randomUUID(), host: 'here', workflow: 'copy' };
  const checks = { storage: ends.from, hasher, onProgress: () => undefined };
  let chain: StoredChain | undefined;
  const totals = noCopyTotals();
  let at: { cursor: CopyCursor; frozen: CopyFrozen } | undefined;
  do {
    const plan = { ends, holder, signal, report: () => undefined };
    const page = await planCopyPage(plan, settings, scope, at);
    totals.already_there += page.there;
    for (const skipped of page.skipped) addSkipped(totals, skipped);
    const work = new PageWork(page);
    for (let task = work.take(); task; task = work.take()) {
      await steps.beforeTask?.(task);
      chain ??= (await readChain(checks, { storage, network, trustWaypoints })).chain;
      const [units, slices] = work.orderOf(task);
      const threads = { from: inThread(ends.from), to: inThread(ends.to) };
      const tools = { ends: threads, hasher, chain, onProgress: () => undefined };
      const found = await sortOutGone(ends.from, units, await copySlices(tools, units, slices));
      addCopyTask(totals, found);
      for (const { unit, skipped } of found.bad) {
        if (work.drop(task, unit)) addSkipped(totals, skipped);
      }
      for (const unit of found.gone) work.drop(task, unit);
      const whole = work.done(task);
      await steps.beforeCommit?.();
      const commit = {
        ends,
        genesis: page.frozen.genesis,
        holder,
        signal,
        report: () => undefined,
      };
      for (const [i, outcome] of (await commitCopies(commit, whole)).entries()) {
        if (outcome === 'committed') addCopied(totals, whole[i]!.type);
        else if (outcome === 'there') totals.already_there += 1;
        else if (outcome === 'again') throw new Error(`${whole[i]!.manifest} again`);
        else if (outcome !== 'gone') addSkipped(totals, outcome.skipped);
      }
    }
    const cursor = work.next();
    at = cursor && { cursor, frozen: page.frozen };
  } while (at);
  return copyResultOf(settings, totals, 0);
}
