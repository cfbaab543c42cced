/** The dashboard for Grafana, and how the stack hands it over. Its queries are run in stack.test.ts. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { readDashboard } from '../support/dashboard.js';
import { exampleSettings, readCompose } from '../support/compose.js';

const { panels, templating } = readDashboard();

it('every panel has a place, an id and a query of its own, on the data source that is chosen', () => {
  expect(templating.list).toMatchObject([{ name: 'datasource', query: 'prometheus' }]);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const taken = new Map<string, string>();
  for (const { type, title, gridPos, targets, datasource } of panels) {
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(taken.get(`${x} ${y}`), title).toBeUndefined();
        taken.set(`${x} ${y}`, title);
      }
    }
    if (type === 'row') continue;
    expect(datasource?.uid, title).toBe('${datasource}');
    expect(targets!.length, title).toBeGreaterThan(0);
    expect(new Set(targets!.map(({ refId }) => refId)).size, title).toBe(targets!.length);
  }
});

it('an age is that of the worst of several coordinators: the best would hide one that is dead', () => {
  const ages = panels.flatMap(({ targets = [] }) =>
    targets.flatMap(({ expr }) => /^time\(\) - (\w+)/.exec(expr)?.[1] ?? []),
  );
  expect(ages.length).toBeGreaterThan(4);
  expect(new Set(ages)).toEqual(new Set(['min']));
});

it('the stack provisions it, with the Prometheus of the stack as the only data source', () => {
  const { grafana, prometheus } = readCompose(exampleSettings()).services;
  const inside = (mounted: string) =>
    grafana!.volumes!.find((volume) => volume.startsWith(`./${mounted}:`))!.split(':')[1];
  expect(inside('deploy/grafana/provisioning')).toBe('/etc/grafana/provisioning');
  const provisioned = (file: string) =>
    parse(readFileSync(`deploy/grafana/provisioning/${file}`, 'utf8')) as unknown;
  expect(provisioned('dashboards/aptos-backup.yml')).toMatchObject({
    providers: [{ options: { path: inside('deploy/grafana/dashboards') } }],
  });
  expect(provisioned('datasources/prometheus.yml')).toMatchObject({
    datasources: [{ type: 'prometheus', url: 'http://prometheus:9090', isDefault: true }],
  });
  expect(prometheus!.ports).toEqual(['127.0.0.1:9090:9090']);
});
