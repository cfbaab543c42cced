import { BcsWriter, type EpochState, frameworkResourceKey } from '../../aptos/index.js';
import type { Random } from './random.js';
import { contractEvent, genesisTransaction } from './transactions.js';
import { encodeWriteSet, writeOp } from './writes.js';

/** Makes a genesis transaction that names the first validators, in the form in which a network publishes it. */
export function ownGenesis(state: EpochState, random: Random): Uint8Array {
  const configuration = new BcsWriter().u64(state.epoch).u64(0n).toBytes();
  const validatorSet = new BcsWriter().uleb(0);
  validatorSet.sequence(
    state.validators.map((validator, index) => ({ ...validator, index })),
    ({ address, publicKey, votingPower, index }) => {
      validatorSet.fixed(address).u64(votingPower).bytes(publicKey);
      validatorSet.bytes(random.bytes(20)).bytes(random.bytes(20)).u64(BigInt(index));
    },
  );
  validatorSet.uleb(0).uleb(0).u128(0n).u128(0n);
  const writes = [
    {
      key: frameworkResourceKey('reconfiguration', 'Configuration'),
      op: writeOp(0, configuration),
    },
    { key: frameworkResourceKey('stake', 'ValidatorSet'), op: writeOp(0, validatorSet.toBytes()) },
    { key: frameworkResourceKey('chain_id', 'ChainId'), op: writeOp(0, Uint8Array.of(4)) },
  ];
  const events = new BcsWriter().uleb(1).fixed(contractEvent(random, 0)).toBytes();
  return genesisTransaction(encodeWriteSet(writes), events);
}
