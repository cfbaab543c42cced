/**
 * Each enum of the record formats with a variant above the known ones: proven by the hashes in the
 * record, or reported as unsupported, with form and version; never as damage.
 */
import { describe, expect, it } from 'vitest';
import { stateRoot } from '../../../src/aptos/state-tree/definition.js';
import { decodeLedgerInfoWithSignatures } from '../../../src/aptos/chain/ledger-info.js';
import { decodeStateRootProof } from '../../../src/aptos/chain/proofs.js';
import { createBatchHasher } from '../../../src/aptos/hash/batch-hasher.js';
import { hash } from '../../../src/aptos/hash/seeds.js';
import { RecordFramer } from '../../../src/aptos/records/framing.js';
import { StateChunkVerifier } from '../../../src/aptos/records/state-chunk.js';
import {
  FIRST_VERSION,
  H32,
  NOISE,
  type Parts,
  build,
  bytes,
  knownEvent,
  proveChunk,
  structTag,
  uleb,
} from './future-record.js';

/** Variants above `known`: the next one, and some far above, the last of two bytes. */
const tagsAbove = (known: number) => [known, known + 1, 100, 127, 200].map(uleb);

/** Proves three records, with the one in question at `place`. */
function prove(parts: Parts, place: number): void {
  const chunk = [0, 1, 2].map((i) => build(i === place ? parts : {}));
  proveChunk(
    chunk.map(({ record }) => record),
    chunk.map(({ leaf }) => leaf),
  );
}

function isProven(parts: Parts): void {
  for (const place of [0, 2]) prove(parts, place);
}

function isUnsupported(parts: Parts, form: RegExp): void {
  for (const place of [0, 2]) {
    const version = FIRST_VERSION + BigInt(place);
    const failed = () => prove(parts, place);
    expect(failed).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }) as Error);
    expect(failed).toThrow(form);
    expect(failed).toThrow(new RegExp(`^version ${version}: .*update aptos-backup`));
  }
}

const U64 = new Uint8Array(8).fill(3);
const USER = bytes(0, H32, U64);
const ENTRY_FUNCTION = bytes(2, H32, 1, 97, 1, 98, 0, 0);
const SIGNED = bytes(USER, ENTRY_FUNCTION, U64, U64, U64, 4);
const KEYLESS = bytes(SIGNED, 4, 2, 0, 0, 3);
const OPEN_ID = bytes(KEYLESS, 1, 0, 0, 0, 0, new Uint8Array(31), 0, 0, U64);

/** The bytes before the tag, and the number of known variants. */
const TRANSACTIONS: [string, Uint8Array, number][] = [
  ['Transaction', bytes(), 7],
  ['WriteSetPayload', bytes(1), 2],
  ['the WriteSet of a genesis', bytes(1, 0), 1],
  ['a StateKey of a genesis', bytes(1, 0, 0, 1), 3],
  ['a WriteOp of a genesis', bytes(1, 0, 0, 1, 2, 1, 9), 6],
  ['ValidatorTransaction', bytes(4), 3],
  ['BlockMetadataExt', bytes(5), 4],
  ['BlockEpiloguePayload', bytes(6), 2],
  ['BlockEndInfo', bytes(6, 0, H32), 1],
  ['FeeDistribution', bytes(6, 1, H32, 0, 0, 0, U64, U64), 1],
  ['TransactionPayload', USER, 6],
  ['TypeTag of a script', bytes(USER, 0, 0, 1), 18],
  ['TransactionArgument', bytes(USER, 0, 0, 0, 1), 16],
  ['MultisigTransactionPayload', bytes(USER, 3, H32, 1), 1],
  ['TransactionPayloadInner', bytes(USER, 4), 1],
  ['TransactionExecutable', bytes(USER, 4, 0), 4],
  ['TransactionExtraConfig', bytes(USER, 4, 0, 2), 2],
  ['TransactionAuthenticator', SIGNED, 5],
  ['AccountAuthenticator', bytes(SIGNED, 4), 6],
  ['AbstractAuthenticationData', bytes(SIGNED, 4, 5, H32, 0, 0), 2],
  ['AnyPublicKey', bytes(SIGNED, 4, 2), 6],
  ['AnySignature', bytes(SIGNED, 4, 2, 0, 0), 5],
  ['AssertionSignature', bytes(SIGNED, 4, 2, 0, 0, 2), 1],
  ['EphemeralCertificate', KEYLESS, 2],
  ['ZKP', bytes(KEYLESS, 0), 1],
  ['EphemeralPublicKey', OPEN_ID, 2],
  ['EphemeralSignature', bytes(OPEN_ID, 0, 0), 2],
];

describe('a transaction is proven with an unknown variant of', () => {
  it.each(TRANSACTIONS)('%s', (_, before, known) => {
    for (const tag of tagsAbove(known)) {
      for (const behind of [
        bytes(),
        H32,
        NOISE,
        new Uint8Array(5000),
        bytes(...Array<number>(300).fill(1)),
      ]) {
        isProven({ transaction: bytes(before, tag, behind) });
      }
    }
  });

  it('the encrypted payload, if its hash is the hash of the stored bytes', () => {
    isProven({ transaction: bytes(USER, 5, NOISE) });
  });
});

it('an encrypted payload whose hash is not the hash of the stored bytes is unsupported', () => {
  const { record, leaf } = build({ transaction: bytes(USER, 5, NOISE) });
  const damaged = Uint8Array.from(record);
  damaged[USER.length + 3]! ^= 1;
  expect(() => proveChunk([damaged], [leaf])).toThrow(/^version 1001: .*encrypted.*update/);
});

describe('auxiliary info of an unknown variant', () => {
  it('is proven by its hash in the transaction info', () => {
    for (const tag of tagsAbove(3)) {
      for (const behind of [bytes(), NOISE, H32, new Uint8Array(100)]) {
        isProven({ auxiliary: bytes(tag, behind) });
        isProven({ auxiliary: bytes(tag, behind), transaction: bytes(9, NOISE) });
      }
    }
  });

  it('is unsupported when the info has no hash of it', () => {
    for (const tag of tagsAbove(3)) {
      for (const behind of [bytes(), NOISE]) {
        const parts = { auxiliary: bytes(tag, behind), isCommitted: false };
        isUnsupported(parts, /variant \d+ of PersistedAuxiliaryInfo/);
      }
    }
  });
});

describe('a transaction info', () => {
  it('of an unknown variant is unsupported, even if it has a known layout', () => {
    for (const infoTag of tagsAbove(2)) {
      isUnsupported({ infoTag }, /variant \d+ of TransactionInfo/);
      isUnsupported({ infoTag, inserted: NOISE }, /variant \d+ of TransactionInfo/);
      const both = { infoTag, transaction: bytes(12, NOISE) };
      isUnsupported(both, /variant \d+ of TransactionInfo/);
    }
  });

  it('with a status of an unknown variant is proven, because the stored bytes are hashed', () => {
    for (const tag of tagsAbove(5)) {
      for (const behind of [bytes(), NOISE, H32]) isProven({ status: bytes(tag, behind) });
    }
    for (const tag of tagsAbove(2)) isProven({ status: bytes(2, tag, U64, 0) });
  });
});

describe('an event of an unknown form', () => {
  const forms = (tag: Uint8Array) => [
    bytes(tag),
    bytes(tag, structTag(), 2, 1, 2),
    bytes(tag, NOISE),
    bytes(tag, new Uint8Array(700)),
  ];

  it('is proven if it is the only one, and among known events', () => {
    for (const tag of tagsAbove(2)) {
      for (const event of forms(tag)) {
        isProven({ events: [event] });
        isProven({ events: [event, knownEvent(1)] });
        isProven({ events: [knownEvent(1), event, knownEvent(2), knownEvent(3)] });
        isProven({ events: [knownEvent(1), event] });
        isProven({ events: [event], writeSet: bytes(1, NOISE), transaction: bytes(33, NOISE) });
      }
    }
  });

  it('is proven if a type tag in it, or a parameter of a function tag, is unknown', () => {
    for (const tag of tagsAbove(18)) {
      for (const outer of [bytes(), bytes(6, 6), bytes(7, H32, 1, 97, 1, 98, 1)]) {
        isProven({ events: [knownEvent(1), bytes(1, outer, tag, 3, 1, 2, 3), knownEvent(2)] });
        isProven({ events: [bytes(0, U64, H32, U64, outer, tag, 0)] });
      }
    }
    for (const tag of tagsAbove(3)) isProven({ events: [bytes(1, 11, 1, tag, 0, 0, 0, 0)] });
  });

  it('is unsupported if a second event has an unknown form', () => {
    for (const tag of tagsAbove(2)) {
      for (const event of forms(tag)) {
        isUnsupported({ events: [event, event] }, /variant \d+ of ContractEvent/);
      }
    }
  });
});

describe('a write set is proven', () => {
  const key = bytes(2, 1, 9);
  it.each<[string, (tag: Uint8Array) => Uint8Array, number]>([
    ['of an unknown variant', (tag) => bytes(tag, NOISE), 1],
    ['of an unknown variant without content', (tag) => tag, 1],
    ['with a StateKey', (tag) => bytes(0, 1, tag, NOISE), 3],
    ['with a WriteOp', (tag) => bytes(0, 1, key, tag, NOISE), 6],
    ['with a StateValueMetadata', (tag) => bytes(0, 1, key, 3, 0, tag, NOISE), 2],
  ])('%s', (_, writeSet, known) => {
    for (const tag of tagsAbove(known)) isProven({ writeSet: writeSet(tag) });
  });
});

describe('a state item', () => {
  const hasher = createBatchHasher();
  const leafOf = (keyForm: Uint8Array, value: Uint8Array) => ({
    key: hash('StateKey', keyForm),
    value: hash('StateValue', value),
  });

  function proveItems(records: Uint8Array[], leaves: ReturnType<typeof leafOf>[]): void {
    const sorted = records
      .map((record, i) => ({ record, key: leaves[i]!.key }))
      .sort((a, b) => Buffer.compare(a.key, b.key));
    const verifier = new StateChunkVerifier(hasher, { firstIndex: 0n, previousKey: undefined });
    const framer = new RecordFramer(hasher);
    for (const { record } of sorted) {
      const frame = bytes(0, 0, record.length >> 8, record.length & 255, record);
      for (const block of framer.push(frame)) verifier.add(block, 0, block.count);
    }
    const rest = framer.flush()!;
    verifier.add(rest, 0, rest.count);
    const { fits } = verifier.prove(
      [],
      (step) => 'root' in step && Buffer.from(step.root).equals(stateRoot(leaves)),
    );
    if (!fits) throw new Error('does not fit');
  }

  const others = Array.from({ length: 20 }, (_, i) => ({
    key: bytes(2, 1, i),
    value: bytes(0, 1, i),
  }));
  const withOthers = (record: Uint8Array, leaf: ReturnType<typeof leafOf>) =>
    proveItems(
      [record, ...others.map(({ key, value }) => bytes(key, value))],
      [leaf, ...others.map(({ key, value }) => leafOf(bytes(0xff, key.subarray(2)), value))],
    );

  it('is proven if its value, the metadata of its value or its path has an unknown variant', () => {
    const key = bytes(1, H32, 2, 1, 2);
    const form = bytes(1, H32, 1, 2);
    for (const tag of tagsAbove(2)) {
      for (const value of [bytes(tag), bytes(tag, NOISE), bytes(1, 1, 5, tag, NOISE)]) {
        withOthers(bytes(key, value), leafOf(form, value));
      }
    }
    for (const tag of tagsAbove(3)) {
      const path = bytes(0, H32, uleb(tag.length + NOISE.length), tag, NOISE);
      withOthers(bytes(path, 0, 0), leafOf(path, bytes(0, 0)));
    }
  });

  it('is unsupported with a key of an unknown variant', () => {
    for (const tag of tagsAbove(3)) {
      for (const behind of [bytes(H32, 2, 1, 2), NOISE, bytes(1, 9)]) {
        const key = bytes(tag, behind);
        expect(() => withOthers(bytes(key, 0, 1, 9), leafOf(key, bytes(0, 1, 9)))).toThrow(
          /state item \d+: variant \d+ of StateKey is not known; update aptos-backup/,
        );
      }
    }
  });

  it('is damaged if only the variant of its key was changed', () => {
    const key = bytes(1, H32, 2, 1, 2);
    const leaf = leafOf(bytes(1, H32, 1, 2), bytes(0, 0));
    const damaged = bytes(9, key.subarray(1), 0, 0);
    expect(() => withOthers(damaged, leaf)).toThrow(
      expect.objectContaining({ code: 'RECORD_INVALID' }) as Error,
    );
  });
});

it('a ledger info of an unknown variant is unsupported, and so is such a transaction info in the proof of a state root', () => {
  for (const tag of tagsAbove(1)) {
    expect(() => decodeLedgerInfoWithSignatures(bytes(tag, NOISE))).toThrow(
      /variant \d+ of LedgerInfoWithSignatures is not known .*update aptos-backup/,
    );
  }
  for (const tag of tagsAbove(2)) {
    expect(() => decodeStateRootProof(bytes(0, tag, NOISE))).toThrow(
      /of TransactionInfo is not known/,
    );
  }
});

describe('damage does not look like an unknown form', () => {
  it('a byte that changes anywhere in a record is refused as damage', () => {
    const parts: Parts[] = [
      {},
      { events: [knownEvent(1)] },
      { transaction: bytes(SIGNED, 4, 2, 0, 1, 5, 0, 1, 6) },
      { writeSet: bytes(1, NOISE), transaction: bytes(6, 2, NOISE) },
      { events: [] },
    ];
    for (const one of parts) {
      const chunk = [build({}), build(one), build({})];
      const leaves = chunk.map(({ leaf }) => leaf);
      for (let at = 0; at < chunk[1]!.record.length; at += 1) {
        for (const value of [at % 2 === 0 ? 5 : 100]) {
          const record = Uint8Array.from(chunk[1]!.record);
          if (record[at] === value) continue;
          record[at] = value;
          const check = () => proveChunk([chunk[0]!.record, record, chunk[2]!.record], leaves);
          expect(check, `byte ${at} is ${value}`).toThrow(
            expect.objectContaining({
              code: expect.not.stringMatching('UNSUPPORTED') as string,
            }) as Error,
          );
        }
      }
    }
  });
});
