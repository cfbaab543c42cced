import type { Check } from './checks.js';
import { type ChaosEvent, namesOf } from './plan.js';
import type { Evidence } from './strikes.js';

export interface ChaosReport {
  events: { event: ChaosEvent; evidence: Evidence }[];
  checks: Check[];
  /** Faults of the mix that this machine does not allow. */
  impossible: string[];
}

/** The report as lines: how often what was done, how often somebody met it, and what was found. */
export function reportLines({ events, checks, impossible }: ChaosReport): string[] {
  const rows = new Map<string, (number | undefined)[]>();
  for (const { event, evidence } of events) {
    const name = [...namesOf(event)].at(-1)!;
    rows.set(name, [...(rows.get(name) ?? []), evidence.met]);
  }
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...sorted.map(([name, mets]) => `  ${name.padEnd(28)} ${mets.length}${metBy(mets)}`),
    ...impossible.map((name) => `  ${name.padEnd(28)} not possible on this machine`),
    ...checks.map(({ what, found }) => `  ${what}: ${found}`),
  ];
}

function metBy(mets: readonly (number | undefined)[]): string {
  const known = mets.filter((met) => met !== undefined);
  if (known.length === 0) return '';
  const all = known.reduce((sum, met) => sum + met, 0);
  return `, ${known.filter((met) => met > 0).length} of them met, ${all}×`;
}
