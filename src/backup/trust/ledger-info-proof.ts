import { AptosDataError } from '../../aptos/errors.js';
import type { EpochState, LedgerInfoWithSignatures } from '../../aptos/chain/ledger-info.js';
import { verifyLedgerInfoSignatures } from '../../aptos/chain/signatures.js';
import { formatWaypoint, waypointOf } from '../../aptos/chain/waypoint.js';
import type { Proven } from '../../plan/unit.js';
import { BackupError } from '../errors.js';
import type { EpochHistory } from './epoch-history.js';
import type { TrustedWaypoints } from './trusted-waypoints.js';

/** Says how a ledger info that covers a chunk is proven, or throws because it is not. */
export interface LedgerInfoProver {
  prove(signed: LedgerInfoWithSignatures, signal?: AbortSignal): Promise<Proven>;
  /** The same for one that ends its epoch: it must also be the one of the verified history. */
  proveEnding(signed: LedgerInfoWithSignatures, signal?: AbortSignal): Promise<Proven>;
}

/** Proves ledger infos by the verified epoch history. */
export function historyProver(history: EpochHistory, trusted: TrustedWaypoints): LedgerInfoProver {
  const inHistory = async (signed: LedgerInfoWithSignatures, signal?: AbortSignal) => {
    const ending = await history.ending(signed.ledgerInfo.epoch, signal);
    const actual = formatWaypoint(waypointOf(signed.ledgerInfo));
    if (actual !== ending.waypoint) throw mismatch(ending.waypoint, actual);
    return ending.proven;
  };
  return {
    async proveEnding(signed, signal) {
      const proven = await inHistory(signed, signal);
      return signed.ledgerInfo.epoch === 0n ? proven : this.prove(signed, signal);
    },
    async prove(signed, signal) {
      const { epoch } = signed.ledgerInfo;
      if (epoch === 0n) return inHistory(signed, signal);
      const before = await history.ending(epoch - 1n, signal);
      const validators = await history.validatorsOf(epoch, signal);
      return proveSignatures(signed, validators, before.proven, trusted);
    },
  };
}

/**
 * The rule for one ledger info (docs/formats.md, Trust). A trusted waypoint at its version decides
 * alone. Otherwise its validators must have signed it; without that it is accepted, as not yet
 * proven, only where a trusted waypoint lies above. Genesis has no signer and is the anchor.
 */
export function proveSignatures(
  signed: LedgerInfoWithSignatures,
  validators: EpochState | undefined,
  validatorsProven: Proven | undefined,
  trusted: TrustedWaypoints,
): Proven {
  const { ledgerInfo } = signed;
  const actual = formatWaypoint(waypointOf(ledgerInfo));
  const expected = trusted.at(ledgerInfo.version);
  if (expected !== undefined) {
    if (expected !== actual) throw mismatch(expected, actual);
    return `chained to waypoint ${expected}`;
  }
  if (validators === undefined) return `chained to waypoint ${actual}`;
  try {
    verifyLedgerInfoSignatures(validators, signed);
    return validatorsProven === 'not yet proven' ? 'not yet proven' : 'signed';
  } catch (error) {
    if (!(error instanceof AptosDataError)) throw error;
    if (trusted.covers(ledgerInfo.version)) return 'not yet proven';
    throw new BackupError(
      'HISTORY_UNSIGNED',
      `the ledger info of epoch ${ledgerInfo.epoch}, version ${ledgerInfo.version}, is not signed by its validators: ${error.message}; ` +
        'if this chain has unsigned history, give --trust-waypoint VERSION:HASH of a later epoch ending',
      true,
      { cause: error },
    );
  }
}

function mismatch(expected: string, actual: string): BackupError {
  return new BackupError(
    'CHAIN_MISMATCH',
    `Waypoints don't match. Found: ${actual}, trusted: ${expected}; is this the right network?`,
    true,
  );
}
