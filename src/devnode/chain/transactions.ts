import { BcsWriter } from '../../aptos/index.js';
import type { Random } from './random.js';

// This file makes transactions in the BCS of a real chain. Their content has no meaning.

const CHAIN_ID = 4;

export function userTransaction(random: Random, sequence: number): Uint8Array {
  const writer = new BcsWriter(384);
  writer.uleb(0).fixed(random.bytes(32)).u64(BigInt(sequence));
  if (random.below(8) === 0) {
    // A script with code, no type arguments and one argument.
    writer.uleb(0).bytes(random.bytes(60 + random.below(200)));
    writer.uleb(0).uleb(1).uleb(1).u64(BigInt(sequence));
  } else {
    writer.uleb(2).fixed(FRAMEWORK).string('aptos_account').string('transfer').uleb(0);
    writer.uleb(2).bytes(random.bytes(32)).bytes(random.bytes(8));
  }
  writer
    .u64(2000n)
    .u64(100n)
    .u64(1_700_000_000n + BigInt(sequence))
    .u8(CHAIN_ID);
  return writer.uleb(0).bytes(random.bytes(32)).bytes(random.bytes(64)).toBytes();
}

export function blockMetadata(
  random: Random,
  block: { epoch: bigint; round: bigint; timestampUsecs: bigint },
): Uint8Array {
  const writer = new BcsWriter().uleb(2).fixed(random.bytes(32)).u64(block.epoch);
  writer.u64(block.round).fixed(random.bytes(32)).bytes(random.bytes(1)).uleb(0);
  return writer.u64(block.timestampUsecs).toBytes();
}

export function stateCheckpoint(random: Random): Uint8Array {
  return new BcsWriter().uleb(3).fixed(random.bytes(32)).toBytes();
}

export function genesisTransaction(writeSet: Uint8Array, events: Uint8Array): Uint8Array {
  return new BcsWriter(writeSet.length + 64)
    .uleb(1)
    .uleb(0)
    .fixed(writeSet)
    .fixed(events)
    .toBytes();
}

/** An event in the old (V1) or new (V2) format, at random. */
export function contractEvent(random: Random, sequence: number): Uint8Array {
  const writer = new BcsWriter(192);
  if (random.below(2) === 0) {
    writer.uleb(0).u64(2n).fixed(random.bytes(32)).u64(BigInt(sequence));
  } else {
    writer.uleb(1);
  }
  writer.uleb(7).fixed(FRAMEWORK).string('coin').string('WithdrawEvent').uleb(0);
  return writer.bytes(random.bytes(8 + random.below(40))).toBytes();
}

export const FRAMEWORK = new Uint8Array(32).fill(1, 31);
