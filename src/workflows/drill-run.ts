import {
  CancellationScope,
  ChildWorkflowFailure,
  executeChild,
  isCancellation,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { DrillActivities, PlannedDrill } from '../activities/drill-activities.js';
import type {
  DrillReport,
  DrillStatus,
  RestoreRates,
} from '../contract/answers/restore-answers.js';
import type { Coverage } from '../contract/answers/verify-answers.js';
import type { ParsedDrill } from '../contract/drill-input.js';
import { leftUnproven } from '../contract/drill-proof.js';
import { codeOfFailure, failureOf } from '../contract/failure.js';
import { BACKUP_TYPE, NETWORK } from '../contract/search-attributes.js';
import { storageName } from '../contract/storage-name.js';
import type { VerifyInput } from '../contract/verify-input.js';
import { MAX_U64 } from '../lib/u64.js';
import { clearOptions, controlOptions, restoreOptions } from './activity-options.js';
import { Attributes, storageAttribute } from './known-attributes.js';
import { drillStatus } from './message-definitions.js';
import { verifyBackups } from './verify-backups.js';
import { failureCode, reasonOf } from './workflow-failure.js';

const { planDrill, concludeDrill } = proxyActivities<DrillActivities>(controlOptions);
const { restoreInScratch } = proxyActivities<DrillActivities>(restoreOptions);
const { clearScratch } = proxyActivities<DrillActivities>(clearOptions);

/** Failures of the tool's run that belong into the report: the rest of the drill succeeded. */
const NOT_RUN = ['STOCK_TOOL_UNUSABLE', 'DRILL_NO_ROOM', 'DRILL_SCRATCH_TAKEN'];
const NO_TOOL =
  'no stock tool was given (--stock-binary): everything that a restore needs was read and proven, and nothing was restored';

/** One run of a drill: what it has found so far. A step does nothing when one before it failed. */
export class DrillRun {
  private readonly begunAt = Date.now();
  private readonly why: string[] = [];
  private phase: DrillStatus['phase'] = 'planning';
  private planned: PlannedDrill['plan'];
  private proof: DrillReport['proof'];
  private restored: DrillReport['restore'];
  private rates: RestoreRates | undefined;
  private verification: string | undefined;
  private mayHaveLeft = false;

  constructor(private readonly input: ParsedDrill) {
    setHandler(drillStatus, () => this.status(), { description: 'What the drill does.' });
    new Attributes(
      { key: BACKUP_TYPE, value: 'drill' },
      { key: NETWORK, value: input.order.settings.network ?? 'unknown' },
      storageAttribute(input.order.settings.storage),
    );
  }

  async plan(): Promise<void> {
    const { plan, why } = await planDrill(this.input.order);
    this.planned = plan;
    this.why.push(...why);
  }

  /** Reads and proves every file that the restore needs, as verifications do. */
  async prove(): Promise<void> {
    const { planned } = this;
    if (!planned) return;
    this.phase = 'proving';
    const begun = Date.now();
    const span = { first: planned.firstVersion, last: planned.target };
    const found = [await this.verify('newer', span, planned.target, planned.tree.version)];
    if (planned.kvVersion !== undefined) {
      // Transactions were read with the newer snapshot; from the largest version on there are none.
      found.push(await this.verify('older', undefined, planned.kvVersion, planned.kvVersion));
    }
    const sum = (of: (coverage: Coverage) => number) =>
      found.reduce((total, coverage) => total + of(coverage), 0);
    this.proof = {
      ok: this.why.length === 0,
      seconds: secondsSince(begun),
      records: `${found.reduce((total, { checked }) => total + BigInt(checked.records), 0n)}`,
      bytes: sum(({ checked }) => checked.bytes),
      objects: sum(({ checked }) => checked.objects),
    };
  }

  async restore(): Promise<void> {
    const { planned, input } = this;
    if (!planned || this.why.length > 0 || !input.tool) return;
    this.phase = 'restoring';
    this.mayHaveLeft = true;
    try {
      const { report, rates } = await restoreInScratch(input.order, planned, input.tool);
      this.restored = report;
      this.rates = rates;
      this.why.push(...report.why);
      this.mayHaveLeft = false;
    } catch (error) {
      if (!NOT_RUN.includes(failureCode(error))) throw error;
      this.why.push(reasonOf(error));
    }
  }

  /** Keeps the result in the storage, and returns or throws it. */
  async conclude(): Promise<DrillReport> {
    const ok = this.why.length === 0;
    const report = this.report(ok);
    const brief = { ok, ...(report.restore ? { restore: report.restore } : {}) };
    await concludeDrill(this.input.order, brief, this.rates ?? null);
    this.phase = 'done';
    if (ok) return report;
    throw failureOf('DRILL_FAILED', this.why.slice(0, 3).join('; '), { details: [report] });
  }

  /** Removes the scratch folder when the restore was cut off, also after the drill was cancelled. */
  async tidy(): Promise<void> {
    const { tool, order } = this.input;
    if (!this.mayHaveLeft || !tool) return;
    await CancellationScope.nonCancellable(() => clearScratch(order, tool)).catch(() => undefined);
  }

  /** A verification of one snapshot and the transactions behind it. Adds to `why` what it does not prove. */
  private async verify(
    name: string,
    span: { first: string; last: string } | undefined,
    before: string,
    snapshot: string,
  ): Promise<Coverage> {
    const { settings } = this.input.order;
    const { first, last } = span ?? { first: `${MAX_U64}`, last: undefined };
    const input: VerifyInput = {
      storage: settings.storage,
      ...(settings.network === undefined ? {} : { network: settings.network }),
      trust_waypoints: settings.trustWaypoints,
      start_version: first,
      ...(last === undefined ? {} : { end_version: last }),
      ...{ state_snapshots: 'newest', state_snapshot_before_version: before, again: true },
      concurrency: this.input.concurrency,
    };
    const workflowId = `${workflowInfo().workflowId}/prove-${name}`;
    this.verification = workflowId;
    const coverage = await executeChild(verifyBackups, {
      workflowId,
      args: [input],
      staticSummary: `prove what a restore up to ${before} needs`,
      parentClosePolicy: 'REQUEST_CANCEL',
    }).catch(coverageIn);
    const versions = span && { first: BigInt(span.first), last: BigInt(span.last) };
    this.why.push(...leftUnproven(coverage, { transactions: versions, snapshot }));
    return coverage;
  }

  private report(ok: boolean): DrillReport {
    const { planned, proof, restored, input } = this;
    const version = planned && { version: planned.target, snapshot_version: planned.tree.version };
    return {
      ok,
      storage: storageName(input.order.settings.storage),
      began_at: new Date(this.begunAt).toISOString(),
      seconds: secondsSince(this.begunAt),
      why: this.why,
      ...version,
      ...(proof ? { proof } : {}),
      ...(restored ? { restore: restored } : {}),
      ...(ok && !input.tool ? { without_tool: NO_TOOL } : {}),
    };
  }

  private status(): DrillStatus {
    const { phase, planned, verification } = this;
    return {
      phase,
      ...(planned ? { version: planned.target } : {}),
      ...(verification === undefined ? {} : { verification }),
    };
  }
}

/** The coverage statement that a failed verification carries. */
function coverageIn(error: unknown): Coverage {
  if (!isCancellation(error) && error instanceof ChildWorkflowFailure) {
    const { cause } = error;
    const details = (cause as { details?: unknown[] } | undefined)?.details;
    if (codeOfFailure(cause) === 'VERIFY_FAILED' && details?.[0]) return details[0] as Coverage;
    throw failureOf(codeOfFailure(cause), reasonOf(error), { final: true, cause: error });
  }
  throw error;
}

function secondsSince(at: number): number {
  return Math.round((Date.now() - at) / 100) / 10;
}
