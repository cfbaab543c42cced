/** Which ledger infos are accepted, and how they are proven. */
import { describe, expect, it } from 'vitest';
import {
  decodeLedgerInfoWithSignatures,
  encodeLedgerInfo,
  encodeLedgerInfoWithSignatures,
  type EpochState,
  formatWaypoint,
  type LedgerInfo,
  parseWaypoint,
  publicKeyOf,
  signLedgerInfo,
  waypointOf,
} from '../../src/aptos/index.js';
import { proveSignatures } from '../../src/trust/ledger-info-proof.js';
import { chainProofs, leastProven } from '../../src/trust/proven.js';
import { TrustedWaypoints } from '../../src/trust/trusted-waypoints.js';
import type { Proven } from '../../src/contract/unit.js';

const secret = new Uint8Array(32).fill(5, 31);
const validators: EpochState = {
  epoch: 3n,
  validators: [{ address: new Uint8Array(32), publicKey: publicKeyOf(secret), votingPower: 10n }],
};
const info: LedgerInfo = {
  epoch: 3n,
  round: 9n,
  id: new Uint8Array(32).fill(1),
  executedStateId: new Uint8Array(32).fill(2),
  version: 1000n,
  timestampUsecs: 1n,
  nextEpochState: undefined,
  consensusDataHash: new Uint8Array(32),
};
const { bitmask, signature } = signLedgerInfo(encodeLedgerInfo(info), [secret], [0]);
const signed = decodeLedgerInfoWithSignatures(
  encodeLedgerInfoWithSignatures(info, bitmask, signature),
);
const unsigned = decodeLedgerInfoWithSignatures(
  encodeLedgerInfoWithSignatures(info, new Uint8Array(1), undefined),
);
const own = formatWaypoint(waypointOf(info));
const at = (version: number) => `${version}:${'ab'.repeat(32)}`;
const prove = (ledgerInfo: typeof signed, trusted: string[], before: Proven = 'signed'): Proven =>
  proveSignatures(ledgerInfo, validators, before, new TrustedWaypoints(trusted, []));

describe('a ledger info', () => {
  it('that its validators have signed is proven as signed', () => {
    expect(prove(signed, [])).toBe('signed');
    expect(prove(signed, [at(5000)])).toBe('signed');
  });

  it('that is signed by unproven validators is not yet proven', () => {
    expect(prove(signed, [], 'not yet proven')).toBe('not yet proven');
    expect(prove(signed, [], `chained to waypoint ${at(7)}`)).toBe('signed');
  });

  it('at a trusted waypoint needs no signature, but must fit the waypoint', () => {
    expect(prove(unsigned, [own])).toBe(`chained to waypoint ${own}`);
    expect(() => prove(signed, [at(1000)])).toThrow(/Waypoints don't match/);
  });

  it('without signatures is accepted as not yet proven, but only up to a trusted waypoint', () => {
    expect(prove(unsigned, [at(1001)])).toBe('not yet proven');
    expect(() => prove(unsigned, [])).toThrow(/--trust-waypoint VERSION:HASH/);
    expect(() => prove(unsigned, [at(999)])).toThrow(
      expect.objectContaining({ code: 'HISTORY_UNSIGNED' }) as Error,
    );
  });
});

describe('trusted waypoints', () => {
  it('may come from several places that agree', () => {
    const trusted = new TrustedWaypoints([at(5)], [parseWaypoint(at(5)), parseWaypoint(at(9))]);
    expect(trusted.list()).toEqual([at(5), at(9)]);
    expect([trusted.covers(9n), trusted.covers(10n)]).toEqual([true, false]);
  });
  it('that disagree are refused', () => {
    const other = parseWaypoint(`5:${'cd'.repeat(32)}`);
    expect(() => new TrustedWaypoints([at(5)], [other])).toThrow(/disagree about version 5/);
  });
});

it('unproven chunks are proven by a later chunk if their frontiers fit', () => {
  const chained = `chained to waypoint ${at(7)}` as const;
  const not = 'not yet proven';
  expect(chainProofs([not, not, chained, 'signed'])).toEqual([chained, chained, chained, 'signed']);
  expect(chainProofs([chained, not])).toEqual([chained, not]);
  expect(leastProven([chained, not])).toBe(not);
  expect(leastProven([chained, 'signed'])).toBe('signed');
});
