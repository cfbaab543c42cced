import type { FaultInput } from '../../src/devnode/faults.js';
import type { Check } from './checks.js';
import type { Evidence } from './place.js';
import { type ChaosEvent, namesOf } from './plan.js';

export interface ChaosReport {
  events: { event: ChaosEvent; evidence: Evidence }[];
  /** Faults that the node had all the time, and how many requests met each. */
  throughout: { fault: FaultInput; met: number }[];
  checks: Check[];
  /** Faults of the mix that this machine does not allow. */
  impossible: string[];
}

/** Renders the report: how often each fault happened and was met, and what the checks found. */
export function reportLines({ events, throughout, checks, impossible }: ChaosReport): string[] {
  const rows = new Map<string, (number | undefined)[]>();
  for (const { event, evidence } of events) {
    const name = [...namesOf(event)].at(-1)!;
    rows.set(name, [...(rows.get(name) ?? []), evidence.met]);
  }
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...throughout.map(
      ({ fault, met }) => `  ${nameOf(fault).padEnd(28)} all the time, met ${met}×`,
    ),
    ...sorted.map(([name, mets]) => `  ${name.padEnd(28)} ${mets.length}${metBy(mets)}`),
    ...stagesMet(events),
    ...impossible.map((name) => `  ${name.padEnd(28)} not possible on this machine`),
    ...checks.map(({ what, found }) => `  ${what}: ${found}`),
  ];
}

function nameOf({ kind, probability = 1, retry_after: seconds }: FaultInput): string {
  const after = seconds === undefined ? '' : ', Retry-After';
  return `node ${kind} ${Math.round(probability * 1000) / 10} %${after}`;
}

/** The uploads that met faults, by the stage in which they were. */
function stagesMet(events: ChaosReport['events']): string[] {
  const all = new Map<string, number>();
  for (const { evidence } of events) {
    for (const [stage, met] of evidence.stages ?? []) all.set(stage, (all.get(stage) ?? 0) + met);
  }
  return [...all].sort().map(([stage, met]) => `  ${`uploads at ${stage}`.padEnd(28)} met ${met}×`);
}

function metBy(mets: readonly (number | undefined)[]): string {
  const known = mets.filter((met) => met !== undefined);
  if (known.length === 0) return '';
  const all = known.reduce((sum, met) => sum + met, 0);
  return `, ${known.filter((met) => met > 0).length} of them met, ${all}×`;
}
