import { readFileSync } from 'node:fs';

export interface Panel {
  id: number;
  type: string;
  title: string;
  datasource?: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string; refId: string; datasource: { uid: string } }[];
}

/** The dashboard for Grafana. */
export function readDashboard(): {
  uid: string;
  panels: Panel[];
  templating: { list: { name: string; type: string; query: string }[] };
} {
  const text = readFileSync('deploy/grafana/dashboards/aptos-backup.json', 'utf8');
  return JSON.parse(text) as ReturnType<typeof readDashboard>;
}

/** The names of our metrics in a text: expressions, rules, or what `/metrics` answers. */
export function metricNames(text: string): Set<string> {
  const names = text.match(/\baptos_[a-z_]+/g) ?? [];
  return new Set(names.map((name) => name.replace(/_(bucket|count|sum)$/, '')));
}
