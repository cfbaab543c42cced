/** Two looks at a node are joined: its known version goes back only when the node goes back. */
import { expect, it } from 'vitest';
import type { NodeView } from '../../src/contract/coordinator-memory.js';
import { laterView, withLatest } from '../../src/contract/node-view.js';

const look = (at: number, version: string, extra: Partial<NodeView> = {}): NodeView => ({
  ...{ ended: '4', version, at, movedAt: at, versionsPerSecond: 0, ...extra },
});

it('the later look counts, in whatever order looks come, and even if the node went back', () => {
  for (const version of ['90', '200']) {
    const [before, later] = [look(10, '100'), look(20, version)];
    expect(laterView(before, later)).toEqual(later);
    expect(laterView(later, before)).toEqual(later);
  }
  expect(laterView(undefined, look(10, '100'))).toEqual(look(10, '100'));
});

it('the age of a version counts from its first look', () => {
  expect(laterView(look(10, '100'), look(20, '100')).movedAt).toBe(10);
  expect(laterView(look(20, '100'), look(10, '100'))).toMatchObject({ at: 20, movedAt: 10 });
  const another = { node: 'http://b' };
  expect(laterView(look(10, '100'), look(20, '100', another)).movedAt).toBe(20);
});

it('a later look of a dropped watch does not end known trouble', () => {
  const told = look(10, '100', { problem: 'the node does not answer' });
  expect(withLatest(told, look(20, '120'))).toEqual({ ...look(20, '120'), problem: told.problem });
  expect(withLatest(told, undefined)).toEqual(told);
});

it('what a watch learns late is known from the watch before it until then', () => {
  const known = look(10, '100', { tipAt: 5, unconfirmedGenesis: '0:ab' });
  for (const version of ['100', '120']) {
    const first = look(20, version);
    expect(laterView(known, first)).toMatchObject({
      version,
      tipAt: 5,
      unconfirmedGenesis: '0:ab',
    });
    expect(withLatest(first, known)).toMatchObject({
      at: 20,
      tipAt: 5,
      unconfirmedGenesis: '0:ab',
    });
    expect(withLatest(look(5, '90'), known)).toMatchObject({ at: 10, unconfirmedGenesis: '0:ab' });
  }
  // With its own time of the tip, a look knows also that the genesis is confirmed.
  const told = look(20, '120', { tipAt: 15 });
  expect(laterView(known, told)).toEqual(told);
  expect(withLatest(told, known)).toEqual(told);
  expect(laterView(known, look(20, '120', { node: 'http://b' }))).not.toHaveProperty('tipAt');
});
