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
  /**
   * `last`: the last version that is to be proven by it. What an epoch that has ended holds is proven by the
   * ledger info that ends it: with one of a later epoch, stock's files would have other bytes.
   */
  prove(signed: LedgerInfoWithSignatures, last: bigint, signal?: AbortSignal): Promise<Proven>;
  /** The same for one that ends its epoch: it must also be the one of the verified history. */
  proveEnding(signed: LedgerInfoWithSignatures, signal?: AbortSignal): Promise<Proven>;
}

/** Proves ledger infos by the verified epoch history. */
export function historyProver(history: EpochHistory, trusted: TrustedWaypoints): LedgerInfoProver {
  const inHistory = async (signed: LedgerInfoWithSignatures, signal?: AbortSignal) => {
    const ending = await history.ending(signed.ledgerInfo.epoch, signal);
    const actual = formatWaypoint(waypointOf(signed.ledgerInfo));
    if (actual !== ending.waypoint) throw mismatch(ending.waypoint, actual);
    if (signed.ledgerInfo.epoch === 0n) requireGenesisForm(signed);
    return ending.proven;
  };
  return {
    async proveEnding(signed, signal) {
      const proven = await inHistory(signed, signal);
      const { epoch, version } = signed.ledgerInfo;
      return epoch === 0n ? proven : this.prove(signed, version, signal);
    },
    async prove(signed, last, signal) {
      const { epoch } = signed.ledgerInfo;
      if (epoch === 0n) return inHistory(signed, signal);
      const before = await history.ending(epoch - 1n, signal);
      if (last <= before.version) throw notOfEpoch(last, epoch);
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
  if (ledgerInfo.epoch === 0n) requireGenesisForm(signed);
  const actual = formatWaypoint(waypointOf(ledgerInfo));
  const expected = trusted.at(ledgerInfo.version);
  if (expected !== undefined) {
    if (expected !== actual) throw mismatch(expected, actual);
    // Not needed, but it is stored: a waypoint does not tell a damaged signature.
    if (validators && signed.signature) verifyLedgerInfoSignatures(validators, signed);
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

/**
 * Genesis is made by each node for itself: nobody proposed, voted on or signed it. Its waypoint does not cover that.
 * @throws AptosDataError LEDGER_INFO_INVALID
 */
export function requireGenesisForm(signed: LedgerInfoWithSignatures): void {
  const { round, id, consensusDataHash } = signed.ledgerInfo;
  const zero = [...id, ...consensusDataHash].every((byte) => byte === 0);
  if (round === 0n && zero && signed.bitmask.length === 0 && !signed.signature) return;
  throw new AptosDataError(
    'LEDGER_INFO_INVALID',
    'the ledger info of genesis has a round, a block id, a consensus hash or a signature',
  );
}

export function notOfEpoch(last: bigint, epoch: bigint): AptosDataError {
  return new AptosDataError(
    'EPOCH_MISMATCH',
    `version ${last} is not of epoch ${epoch}, whose ledger info is given as its proof`,
  );
}

function mismatch(expected: string, actual: string): BackupError {
  return new BackupError(
    'CHAIN_MISMATCH',
    `Waypoints don't match. Found: ${actual}, trusted: ${expected}; is this the right network?`,
    true,
  );
}
