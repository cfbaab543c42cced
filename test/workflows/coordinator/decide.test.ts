/** What the coordinator does next follows from what is stored, what the node has, and the time. */
import { describe, expect, it } from 'vitest';
import type { NodeView, StreamMemory, Survey } from '../../../src/contract/coordinator-memory.js';
import { parseCoordinatorInput } from '../../../src/contract/coordinator-input.js';
import type { Situation } from '../../../src/contract/kinds/situation.js';
import { MOST_FAILED_UNITS, decide, isDue } from '../../../src/workflows/coordinator/decide.js';
import type { Target } from '../../../src/contract/job.js';
import { losesRace } from '../../../src/coordinator/watch/prune-forecast.js';
import { INPUT } from '../../support/units.js';

const NOW = 1_000_000_000;
const span = (first: number, last: number) => ({ first: `${first}`, last: `${last}` });

function situation(
  changes: {
    survey?: Partial<Survey>;
    node?: Partial<NodeView>;
    epoch_ending?: Partial<StreamMemory>;
    state_snapshot?: Partial<StreamMemory>;
    transaction?: Partial<StreamMemory>;
    input?: object;
  } = {},
): Situation {
  const input = { ...INPUT, transaction_batch_size: 100, ...changes.input };
  const stream = (own?: Partial<StreamMemory>): StreamMemory => ({
    paused: false,
    failed: [],
    requested: [],
    batchOpenSince: NOW,
    givenUp: [],
    committed: 0,
    ...own,
  });
  return {
    settings: parseCoordinatorInput(input),
    survey: {
      storageId: 'abc',
      epochs: [],
      versions: [],
      snapshots: [],
      damaged: [],
      damagedCount: 0,
      ...changes.survey,
    },
    node: { ended: '4', version: '350', at: NOW, versionsPerSecond: 10, ...changes.node },
    streams: {
      epoch_ending: stream(changes.epoch_ending),
      state_snapshot: stream(changes.state_snapshot),
      transaction: stream(changes.transaction),
    },
    now: NOW,
  };
}

const ALL_EPOCHS = { epochs: [span(0, 3)], epochsEndAt: '300' };
const failed = (target: Target, retryAt: number) => ({
  target,
  reason: 'x',
  code: 'X',
  attempts: 1,
  failedAt: 0,
  retryAt,
});
const transactions = (first: number, last: number): Target => ({
  type: 'transaction',
  ...span(first, last),
});

describe('epoch endings', () => {
  it('are fetched many at a time', () => {
    const far = situation({ node: { ended: '5000' } });
    expect(decide('epoch_ending', far)).toEqual({
      start: { type: 'epoch_ending', ...span(0, 999) },
    });
  });

  it('fill the lowest hole first, and end where something is stored', () => {
    const holes = situation({ survey: { epochs: [span(0, 0), span(2, 2)] } });
    expect(decide('epoch_ending', holes)).toEqual({
      start: { type: 'epoch_ending', ...span(1, 1) },
    });
  });

  it('wait for the epoch that is open', () => {
    expect(decide('epoch_ending', situation({ survey: ALL_EPOCHS }))).toMatchObject({ ended: '5' });
  });
});

describe('transactions', () => {
  it('begin with genesis alone, then go up to a multiple of the batch size', () => {
    expect(decide('transaction', situation({ survey: ALL_EPOCHS }))).toEqual({
      start: transactions(0, 0),
    });
    const begun = situation({ survey: { ...ALL_EPOCHS, versions: [span(0, 0)] } });
    expect(decide('transaction', begun)).toEqual({ start: transactions(1, 100) });
  });

  it('wait until the batch is full, or its time is over', () => {
    const survey = { ...ALL_EPOCHS, versions: [span(0, 300)] };
    const waiting = decide('transaction', situation({ survey }));
    expect(waiting).toMatchObject({ version: '400', until: NOW + 600_000 });
    const late = situation({ survey, transaction: { batchOpenSince: NOW - 600_000 } });
    expect(decide('transaction', late)).toEqual({ start: transactions(301, 350) });
  });

  it('go back to the grid after a batch that time has closed', () => {
    const survey = { ...ALL_EPOCHS, versions: [span(0, 350)] };
    const later = situation({ survey, node: { version: '500' } });
    expect(decide('transaction', later)).toEqual({ start: transactions(351, 400) });
  });

  it('wait for the epoch endings that prove them, and no longer', () => {
    const survey = { epochs: [span(0, 1)], epochsEndAt: '120', versions: [span(0, 0)] };
    expect(decide('transaction', situation({ survey }))).toEqual({ start: transactions(1, 100) });
    const next = situation({ survey: { ...survey, versions: [span(0, 100)] } });
    expect(decide('transaction', next)).toMatchObject({
      waitingFor: expect.stringMatching(/epoch endings 2 to 3/) as string,
    });
  });

  it('do not wait for epoch endings that fail', () => {
    const survey = { epochs: [span(0, 1)], epochsEndAt: '120', versions: [span(0, 100)] };
    const failing = [failed({ type: 'epoch_ending', ...span(2, 3) }, NOW + 1)];
    const stuck = situation({ survey, epoch_ending: { failed: failing } });
    expect(decide('transaction', stuck)).toEqual({ start: transactions(101, 200) });
  });

  it('go on behind a unit that failed, and come back to it when it is due', () => {
    const survey = { ...ALL_EPOCHS, versions: [span(0, 100)] };
    const unit = transactions(101, 200);
    const resting = situation({ survey, transaction: { failed: [failed(unit, NOW + 5)] } });
    expect(decide('transaction', resting)).toEqual({ start: transactions(201, 300) });
    const due = situation({ survey, transaction: { failed: [failed(unit, NOW)] } });
    expect(decide('transaction', due)).toEqual({ start: unit });
  });

  it('start no new unit when many have failed, and try the failed ones first', () => {
    const survey = { ...ALL_EPOCHS, versions: [span(0, 100)] };
    const some = (count: number) =>
      Array.from({ length: count }, (_, i) => {
        return failed(transactions(101 + i * 10, 110 + i * 10), NOW + 5 + i);
      });
    const stuck = situation({ survey, transaction: { failed: some(MOST_FAILED_UNITS) } });
    expect(decide('transaction', stuck)).toMatchObject({
      waitingFor: expect.stringMatching(/^one of 20 failed units to succeed/) as string,
      until: NOW + 5,
    });
    const fewer = situation({ survey, transaction: { failed: some(MOST_FAILED_UNITS - 1) } });
    expect(decide('transaction', fewer)).toHaveProperty('start');
  });

  it('fill holes without touching what is stored', () => {
    const survey = { ...ALL_EPOCHS, versions: [span(0, 100), span(151, 250)] };
    expect(decide('transaction', situation({ survey }))).toEqual({
      start: transactions(101, 150),
    });
  });

  it('leave out what the node has pruned', () => {
    const survey = { ...ALL_EPOCHS, versions: [span(0, 100)] };
    const pruned = situation({ survey, node: { oldestVersion: '222' } });
    expect(decide('transaction', pruned)).toEqual({ start: transactions(222, 300) });
  });

  it('store a requested range first, when the node has it', () => {
    const asked = transactions(330, 340);
    const now = situation({ survey: ALL_EPOCHS, transaction: { requested: [asked] } });
    expect(decide('transaction', now)).toEqual({ start: asked });
    const later = transactions(340, 360);
    const soon = situation({ survey: ALL_EPOCHS, transaction: { requested: [later] } });
    expect(decide('transaction', soon)).toMatchObject({ version: '360' });
  });
});

describe('state snapshots', () => {
  const taken = (snapshots: string[]) => ({ ...ALL_EPOCHS, snapshots });

  it('begin with epoch 0, which a restore from version 0 needs', () => {
    const first = decide('state_snapshot', situation({ survey: ALL_EPOCHS }));
    expect(first).toEqual({ start: { type: 'state_snapshot', epoch: '0' } });
  });

  it('are of the newest epoch that the interval allows', () => {
    const every = situation({ survey: taken(['0']) });
    expect(decide('state_snapshot', every)).toEqual({
      start: { type: 'state_snapshot', epoch: '3' },
    });
    const second = situation({
      survey: taken(['0']),
      input: { state_snapshot_interval_epochs: 2 },
    });
    expect(decide('state_snapshot', second)).toEqual({
      start: { type: 'state_snapshot', epoch: '2' },
    });
  });

  it('go on with a later epoch when one was given up', () => {
    const lost = situation({ survey: taken(['0']), state_snapshot: { givenUp: ['3'] } });
    expect(decide('state_snapshot', lost)).toMatchObject({ ended: '5' });
  });

  it('wait for the epoch endings that prove them', () => {
    const behind = situation({ survey: { epochs: [span(0, 1)], snapshots: ['0'] } });
    expect(decide('state_snapshot', behind)).toMatchObject({
      waitingFor: expect.stringMatching(/epoch endings 2 to 3/) as string,
    });
    const first = situation({ survey: { epochs: [] } });
    expect(decide('state_snapshot', first)).toMatchObject({
      waitingFor: expect.stringMatching(/epoch endings 0 to 3/) as string,
    });
  });

  it('wait for epoch endings in hand for ten minutes, and count as due meanwhile', () => {
    const behind = situation({ survey: { epochs: [span(0, 1)], snapshots: ['0'] } });
    const epochsBegun = behind.now - 599_999;
    for (const type of ['state_snapshot', 'transaction'] as const) {
      expect(decide(type, { ...behind, epochsBegun })).toMatchObject({ until: behind.now + 1 });
      expect(isDue(type, { ...behind, epochsBegun })).toBe(true);
      const late = { ...behind, epochsBegun: epochsBegun - 1 };
      expect(decide(type, late)).toHaveProperty('start');
    }
  });
});

it('numbers above 2^53 stay exact', () => {
  const tip = 2n ** 60n;
  const versions = [{ first: '0', last: `${tip}` }];
  const high = situation({
    survey: { ...ALL_EPOCHS, versions },
    node: { version: `${tip + 500n}` },
  });
  const first = tip + 1n;
  expect(decide('transaction', high)).toEqual({
    start: { type: 'transaction', first: `${first}`, last: `${(tip / 100n + 1n) * 100n}` },
  });
});

describe('the race between a snapshot and the pruner', () => {
  const race = {
    version: 1_000n,
    tip: 50_000n,
    versionsPerSecond: 100,
    stateWindow: 100_000n,
    stored: 1_000,
    left: 100_000,
    seconds: 100,
  };
  it('is lost when the rest takes longer than the node keeps the state', () => {
    expect(losesRace(race)).toMatch(/needs 2.8 hours more, .* in about 0.1 hours/);
  });
  it('is open while it may be won, or nothing is known', () => {
    expect(losesRace({ ...race, left: 1_000 })).toBeUndefined();
    expect(losesRace({ ...race, stateWindow: undefined })).toBeUndefined();
    expect(losesRace({ ...race, seconds: 10 })).toBeUndefined();
    expect(losesRace({ ...race, versionsPerSecond: 0 })).toBeUndefined();
  });
});
