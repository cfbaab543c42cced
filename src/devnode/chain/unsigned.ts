import type { Random } from './random.js';
import { type ValidatorSet, sign, validatorsOf } from './validators.js';

/**
 * What a ledger info has in place of the validators' signature:
 * - none: neither mask nor signature, as on a node that was set up from a database
 * - empty-mask: a mask of the right length that names no validator
 * - strangers: the mask and signature of validators that the epoch before does not name
 */
export const UNSIGNED_KINDS = ['none', 'empty-mask', 'strangers'] as const;
export type UnsignedKind = (typeof UNSIGNED_KINDS)[number];

/** A history like that of a migrated chain: unsigned up to the end of one epoch, signed after it. */
export interface UnsignedHistory {
  /** The last epoch with unsigned ledger infos. Operators must trust the waypoint of its end. */
  untilEpoch: number;
  kind: UnsignedKind;
}

/** The mask and signature of a ledger info in the epoch of `set`. */
export function signatureUnder(
  history: UnsignedHistory | undefined,
  set: ValidatorSet,
  ledgerInfo: Uint8Array,
  random: Random,
): { bitmask: Uint8Array; signature: Uint8Array | undefined } {
  const { epoch, validators } = set.state;
  if (!history || epoch > BigInt(history.untilEpoch)) return sign(set, ledgerInfo, random);
  switch (history.kind) {
    case 'none':
      return { bitmask: new Uint8Array(0), signature: undefined };
    case 'empty-mask':
      return { bitmask: new Uint8Array(Math.ceil(validators.length / 8)), signature: undefined };
    case 'strangers':
      return sign(strangers(epoch, validators.length, random), ledgerInfo, random);
  }
}

function strangers(epoch: bigint, count: number, random: Random): ValidatorSet {
  return validatorsOf(-1, epoch, count, random);
}
