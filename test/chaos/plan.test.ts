/** The plan of faults follows from its seed alone. */
import { expect, it } from 'vitest';
import { MIX, describeStrike, namesOf, planChaos } from './plan.js';

const OPTIONS = {
  seconds: 600,
  kills: 20,
  targets: ['chunk worker', 'up', 'temporal server', 'node'],
  others: 400,
} as const;

it('the plan is the same for the same seed, and another for another seed', () => {
  const plan = planChaos({ ...OPTIONS, seed: 5 });
  expect(planChaos({ ...OPTIONS, seed: 5 })).toEqual(plan);
  expect(planChaos({ ...OPTIONS, seed: 6 })).not.toEqual(plan);
});

it('the plan has the requested kills and every kind of the mix, and no strike that is left out', () => {
  const without = ['storage away', 'stop up', 'node lie'];
  const plan = planChaos({ ...OPTIONS, seed: 7, without });
  for (const target of OPTIONS.targets) {
    const kills = plan.filter((event) => event.kind === 'kill' && event.target === target);
    expect(kills.length).toBeGreaterThanOrEqual(OPTIONS.kills);
  }
  expect(plan).toHaveLength(OPTIONS.kills * OPTIONS.targets.length + OPTIONS.others);
  const said = new Set(plan.map(describeStrike).map((text) => text.replace(/[\d.]+/g, 'N')));
  for (const kind of ['stall', 'cut', 'throttle']) expect(said).toContain(`link: ${kind} for N s`);
  expect(said.size).toBeGreaterThan(Object.keys(MIX).length);
  for (const event of plan) {
    for (const name of namesOf(event)) expect(without).not.toContain(name);
  }
});

it('a bucket has faults of its own, and a plan for a folder is the same as ever', () => {
  const kinds = (storage: 'folder' | 's3') => {
    const plan = planChaos({ ...OPTIONS, seed: 9, storage });
    return new Set(plan.flatMap((event) => [...namesOf(event)]));
  };
  const own = ['slow', 'throttling', 'truncating', 'clock'].map((mode) => `storage ${mode}`);
  const uploads = ['cut', 'answer lost', 'changed'].map((mode) => `upload ${mode}`);
  const both = ['full', 'read-only', 'away'].map((mode) => `storage ${mode}`);
  for (const name of [...own, ...uploads]) {
    expect(kinds('s3')).toContain(name);
    expect(kinds('folder')).not.toContain(name);
  }
  for (const storage of ['folder', 's3'] as const) {
    for (const name of both) expect(kinds(storage)).toContain(name);
  }
});

it('the strikes are spread over the whole run, in order', () => {
  const times = planChaos({ ...OPTIONS, seed: 8 }).map(({ at }) => at);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times[0]).toBeGreaterThanOrEqual(4_000);
  expect(times.at(-1)).toBeGreaterThan(590_000);
  expect(times.at(-1)).toBeLessThanOrEqual(600_000);
});
