import {
  AptosDataError,
  type EpochState,
  formatWaypoint,
  type LedgerInfoWithSignatures,
  requireSignatureForm,
  verifyLedgerInfoSignatures,
  waypointOf,
} from '../aptos/index.js';
import type { Proven } from '../contract/unit.js';
import { BackupError } from '../errors/backup-error.js';
import type { EpochHistory } from './epoch-history.js';
import type { TrustedWaypoints } from './trusted-waypoints.js';

/** Returns how a ledger info is proven, or throws when it is not. */
export interface LedgerInfoProver {
  /**
   * Proves the ledger info of a chunk. `last` is the last version of the chunk. It must be in the epoch of the ledger
   * info: the stock tool proves an epoch that has ended by its own ledger info, and our files must have the same bytes.
   */
  prove(signed: LedgerInfoWithSignatures, last: bigint, signal?: AbortSignal): Promise<Proven>;
  /** Proves a ledger info that ends its epoch. It must also be the one in the verified history. */
  proveEnding(signed: LedgerInfoWithSignatures, signal?: AbortSignal): Promise<Proven>;
}

/** A prover that uses the verified epoch history of a node. */
export function historyProver(history: EpochHistory, trusted: TrustedWaypoints): LedgerInfoProver {
  const inHistory = async (signed: LedgerInfoWithSignatures, signal?: AbortSignal) => {
    let ending = await history.ending(signed.ledgerInfo.epoch, signal);
    const actual = formatWaypoint(waypointOf(signed.ledgerInfo));
    const unproven = ending.proven === 'not yet proven';
    if (actual !== ending.waypoint && unproven && (await history.forgetUnproven())) {
      ending = await history.ending(signed.ledgerInfo.epoch, signal);
    }
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
      return proveSent(signed, validators, before.proven, trusted);
    },
  };
}

/**
 * The rule for a ledger info that a node sent (docs/formats.md, Trust). If the validators before it are proven by
 * signatures, an unsigned ledger info is a lie. Otherwise the chain may have unsigned history, and the operator must
 * give a trusted waypoint. @throws AptosDataError; BackupError CHAIN_MISMATCH, NODE_LIED, HISTORY_UNSIGNED
 */
export function proveSent(
  signed: LedgerInfoWithSignatures,
  validators: EpochState | undefined,
  validatorsProven: Proven | undefined,
  trusted: TrustedWaypoints,
): Proven {
  const { epoch, version } = signed.ledgerInfo;
  try {
    const proven = proveSignatures(signed, validators, validatorsProven, trusted);
    if (proven !== 'not yet proven' || trusted.covers(version)) return proven;
  } catch (error) {
    const signedBefore = validatorsProven === 'signed';
    if (!signedBefore || !(error instanceof BackupError && error.code === 'HISTORY_UNSIGNED')) {
      throw error;
    }
    throw new BackupError('NODE_LIED', error.message, { cause: error });
  }
  throw new BackupError(
    'HISTORY_UNSIGNED',
    `nothing proves the ledger info of epoch ${epoch}, version ${version}: history before it is unsigned, and no epoch ends where a waypoint is trusted ` +
      `(${trusted.list().join(', ')}); give --trust-waypoint VERSION:HASH of an epoch ending`,
  );
}

/**
 * The rule for one ledger info (docs/formats.md, Trust). A trusted waypoint at its version decides alone. Otherwise
 * its validators must have signed it. If they have not, it is accepted as not yet proven, and only below a trusted
 * waypoint. Nobody signs genesis; the chain begins with it. `validators`: undefined for genesis.
 * @throws AptosDataError LEDGER_INFO_INVALID, SIGNATURE_INVALID; BackupError CHAIN_MISMATCH, HISTORY_UNSIGNED
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
    // It does not matter who signed it: the validators may have been replaced here outside consensus.
    requireSignatureForm(signed);
    return `chained to waypoint ${expected}`;
  }
  if (validators === undefined) return `chained to waypoint ${actual}`;
  try {
    verifyLedgerInfoSignatures(validators, signed);
    return validatorsProven === 'not yet proven' ? 'not yet proven' : 'signed';
  } catch (error) {
    if (!(error instanceof AptosDataError)) throw error;
    if (trusted.covers(ledgerInfo.version)) {
      requireSignatureForm(signed);
      return 'not yet proven';
    }
    throw new BackupError(
      'HISTORY_UNSIGNED',
      `the ledger info of epoch ${ledgerInfo.epoch}, version ${ledgerInfo.version}, is not signed by its validators: ${error.message}; ` +
        'if this chain has unsigned history, give --trust-waypoint VERSION:HASH of a later epoch ending',
      { cause: error },
    );
  }
}

/**
 * Checks the fields of the genesis ledger info that its waypoint does not cover. Each node makes genesis for itself;
 * nobody proposes or signs it, so these fields are zero. @throws AptosDataError LEDGER_INFO_INVALID
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

/** The error for a chunk whose last version is not in the epoch of its ledger info. */
export function notOfEpoch(last: bigint, epoch: bigint): AptosDataError {
  return new AptosDataError(
    'EPOCH_MISMATCH',
    `version ${last} is not of epoch ${epoch}, whose ledger info is given as its proof`,
  );
}

function mismatch(expected: string, actual: string): BackupError {
  return new BackupError(
    'CHAIN_MISMATCH',
    `Waypoints don't match. Found: ${actual}, trusted: ${expected}; is this the right network, and the right --trust-waypoint?`,
  );
}
