import blst from '@chainsafe/blst';
import { AptosDataError } from '../data-error.js';
import { seed } from '../hash/seeds.js';
import { toHex } from '../hex.js';
import type { EpochState, LedgerInfoWithSignatures } from './ledger-info.js';

/** Decompressing public keys takes longer than the rest of a check, so the keys are kept. Validators rarely change. */
const MOST_CACHED_KEYS = 2048;
const keys = new Map<string, blst.PublicKey>();

/**
 * Checks that validators with more than two thirds of the voting power signed the ledger info
 * (docs/formats.md, Ledger infos).
 * @throws AptosDataError EPOCH_MISMATCH, SIGNATURE_INVALID, QUORUM_NOT_REACHED
 */
export function verifyLedgerInfoSignatures(
  state: EpochState,
  signed: LedgerInfoWithSignatures,
): void {
  const { epoch } = signed.ledgerInfo;
  if (state.epoch !== epoch) {
    throw new AptosDataError(
      'EPOCH_MISMATCH',
      `validators of epoch ${state.epoch} cannot sign a ledger info of epoch ${epoch}`,
    );
  }
  const signers = signersOf(state, signed);
  const total = state.validators.reduce((sum, v) => sum + v.votingPower, 0n);
  const power = signers.reduce((sum, v) => sum + v.votingPower, 0n);
  const quorum = (total * 2n) / 3n + 1n;
  if (power < quorum) {
    throw new AptosDataError(
      'QUORUM_NOT_REACHED',
      `${signers.length} of ${state.validators.length} validators signed with voting power ${power}, ${quorum} is needed`,
    );
  }
  if (!signed.signature) throw invalid(signed, 'there is no signature');
  const message = Buffer.concat([seed('LedgerInfo'), signed.ledgerInfoBytes]);
  let valid: boolean;
  try {
    const signature = blst.Signature.fromBytes(signed.signature, true, true);
    const aggregate = blst.aggregatePublicKeys(signers.map((v) => publicKey(v.publicKey)));
    valid = blst.verify(message, aggregate, signature);
  } catch (error) {
    throw invalid(signed, (error as Error).message, error);
  }
  if (!valid) throw invalid(signed, 'it does not fit to keys and content');
}

/**
 * Checks only that the signature is a point of its group. For ledger infos that a waypoint proves and not their
 * signers: the signature is stored too, and a damaged byte almost always gives no point of the group.
 * @throws AptosDataError SIGNATURE_INVALID
 */
export function requireSignatureForm(signed: LedgerInfoWithSignatures): void {
  if (!signed.signature) return;
  try {
    blst.Signature.fromBytes(signed.signature, true, false);
  } catch (error) {
    throw invalid(signed, (error as Error).message, error);
  }
}

function signersOf(state: EpochState, signed: LedgerInfoWithSignatures) {
  const { validators } = state;
  const { bitmask } = signed;
  if (bitmask.length !== Math.ceil(validators.length / 8)) {
    throw invalid(
      signed,
      `its bit mask has ${bitmask.length} bytes for ${validators.length} validators`,
    );
  }
  for (let i = validators.length; i < bitmask.length * 8; i += 1) {
    if (isSet(bitmask, i)) throw invalid(signed, `its bit mask names validator ${i}`);
  }
  return validators.filter((_, i) => isSet(bitmask, i));
}

function isSet(mask: Uint8Array, i: number): boolean {
  return (mask[i >> 3]! & (0x80 >> (i & 7))) !== 0;
}

function publicKey(bytes: Uint8Array): blst.PublicKey {
  const id = toHex(bytes);
  let key = keys.get(id);
  if (!key) {
    key = blst.PublicKey.fromBytes(bytes, true);
    if (keys.size >= MOST_CACHED_KEYS) keys.delete(keys.keys().next().value!);
    keys.set(id, key);
  }
  return key;
}

function invalid(signed: LedgerInfoWithSignatures, why: string, cause?: unknown): AptosDataError {
  const { epoch, version } = signed.ledgerInfo;
  return new AptosDataError(
    'SIGNATURE_INVALID',
    `the signature of the ledger info of epoch ${epoch}, version ${version} is wrong: ${why}`,
    { cause },
  );
}

/** Signs a ledger info with the keys at the indexes `signers`. Returns the bit mask and the aggregate signature. */
export function signLedgerInfo(
  ledgerInfoBytes: Uint8Array,
  secretKeys: readonly Uint8Array[],
  signers: readonly number[],
): { bitmask: Uint8Array; signature: Uint8Array } {
  const message = Buffer.concat([seed('LedgerInfo'), ledgerInfoBytes]);
  const bitmask = new Uint8Array(Math.ceil(secretKeys.length / 8));
  const signatures = signers.map((i) => {
    bitmask[i >> 3]! |= 0x80 >> (i & 7);
    return blst.SecretKey.fromBytes(secretKeys[i]!).sign(message);
  });
  return { bitmask, signature: blst.aggregateSignatures(signatures).toBytes() };
}

/** The compressed public key (48 bytes) of a secret key (32 bytes). */
export function publicKeyOf(secretKey: Uint8Array): Uint8Array {
  return blst.SecretKey.fromBytes(secretKey).toPublicKey().toBytes();
}
