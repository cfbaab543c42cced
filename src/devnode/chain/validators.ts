import { createHash } from 'node:crypto';
import { type EpochState, publicKeyOf, signLedgerInfo } from '../../aptos/index.js';
import type { Random } from './random.js';

/** The validators of one epoch, with their secret keys. */
export interface ValidatorSet {
  state: EpochState;
  secrets: Uint8Array[];
}

/** Makes the validator set of an epoch. In each epoch some validators are new and all have other voting power. */
export function validatorsOf(
  seed: number,
  epoch: bigint,
  count: number,
  random: Random,
): ValidatorSet {
  const secrets: Uint8Array[] = [];
  const validators: EpochState['validators'] = [];
  for (let i = 0; i < count; i += 1) {
    // Every third validator is new in each epoch.
    const since = i % 3 === 0 ? epoch : 0n;
    const secret = secretOf(`${seed}/${i}/${since}`);
    secrets.push(secret);
    validators.push({
      address: createHash('sha256').update(`validator ${seed}/${i}/${since}`).digest(),
      publicKey: publicKeyOf(secret),
      votingPower: 10_000_000_000_000n + BigInt(random.next()) * 1000n,
    });
  }
  return { state: { epoch, validators }, secrets };
}

/** Signs with a random quorum of the set, with no more validators than the quorum needs. */
export function sign(
  set: ValidatorSet,
  ledgerInfo: Uint8Array,
  random: Random,
): { bitmask: Uint8Array; signature: Uint8Array } {
  const { validators } = set.state;
  const total = validators.reduce((sum, v) => sum + v.votingPower, 0n);
  const quorum = (total * 2n) / 3n + 1n;
  const start = random.below(validators.length);
  const signers: number[] = [];
  let power = 0n;
  for (let i = 0; power < quorum; i += 1) {
    const index = (start + i) % validators.length;
    signers.push(index);
    power += validators[index]!.votingPower;
  }
  return signLedgerInfo(ledgerInfo, set.secrets, signers);
}

/** Derives a secret key; two bits are cleared so that it is below the order of the group. */
function secretOf(text: string): Uint8Array {
  const secret = createHash('sha256').update(`secret ${text}`).digest();
  secret[0]! &= 0x3f;
  return secret;
}
