/** Hashes, waypoints and signatures have their known values. */
import { describe, expect, it } from 'vitest';
import { BcsReader } from '../../../src/aptos/bcs/reader.js';
import {
  type LedgerInfo,
  decodeLedgerInfoWithSignatures,
  encodeLedgerInfo,
  encodeLedgerInfoWithSignatures,
  ledgerInfoHash,
} from '../../../src/aptos/chain/ledger-info.js';
import {
  publicKeyOf,
  signLedgerInfo,
  verifyLedgerInfoSignatures,
} from '../../../src/aptos/chain/signatures.js';
import {
  readTransactionInfo,
  transactionInfoHash,
} from '../../../src/aptos/chain/transaction-info.js';
import { formatWaypoint, parseWaypoint, waypointOf } from '../../../src/aptos/chain/waypoint.js';
import {
  ACCUMULATOR_PLACEHOLDER,
  SPARSE_MERKLE_PLACEHOLDER,
  type SeedName,
  hash,
  seed,
} from '../../../src/aptos/hash/seeds.js';
import { accumulatorRoot } from '../../../src/aptos/accumulator/verify-proof.js';
import { fromHex, toHex } from '../../../src/aptos/hex.js';
import { stateKeyHash } from '../../../src/aptos/records/state-key.js';
import { leafNode } from '../../../src/aptos/state-tree/node.js';

const SEEDS: Record<SeedName, string> = {
  Transaction: 'fa210a9417ef3e7fa45bfa1d17a8dbd4d883711910a550d265fee189e9266dd4',
  TransactionInfo: 'a7571b1ac557d1d3f9e884d79f9174c9ff81fd091502dfad0008455b39eca471',
  TransactionAccumulator: '9d054c84c0d2c98b618a1a3247e9979a72229dbd162985a2a924144b8aad0327',
  EventAccumulator: '4dbe0448340a3095e1696708e4be4e93f4956d1f9f5755292767ef8a1344ac36',
  ContractEvent: '38f46bbd4b520466a91d4166cd85fa9c3c83ac6993bf65f8d90bad19c5e2f661',
  WriteSet: '27805b4e56482a52f649482bde40b3c45a4b98f37523bb128379aaaad014d2a8',
  StateKey: '14715f27d7ab9aad7041a4809fbb1dc5bcd80e0c5ee58c18469f1fde7bd347e4',
  StateValue: 'f23de2fd4cb9705bff983c28e48638d29707ad5e0fc73d5db94b50dfd36dbcfa',
  SparseMerkleLeafNode: '9df5ce426e6c3cc7a648886c12b661d7d87cba44ce9b7c3b8579bac5b8e8519b',
  SparseMerkleInternal: '6738db124643f427d7b7d92c0cc11ac9ef1caaaaec2ac77145646e1d293e6b38',
  LedgerInfo: '98274d3a1dfd01624eb9df4f2fc4e34fa24f18334a0091ec93d0ea833e1fbaa2',
  Ledger2WaypointConverter: '2539380256a7df4f1a22fa5d30cd72c123103ad06479987c44b58b4d7a20efdf',
  PersistedAuxiliaryInfo: '83365516453ccf7cd4407bb5d7888ab49a4099e7ac71690272a1b23acda81a58',
};

it.each(Object.entries(SEEDS))('the seed of %s is the known one', (name, expected) => {
  expect(toHex(seed(name as SeedName))).toBe(expected);
});

it('the placeholders are the padded names', () => {
  expect(toHex(ACCUMULATOR_PLACEHOLDER)).toBe(
    '414343554d554c41544f525f504c414345484f4c4445525f4841534800000000',
  );
  expect(toHex(SPARSE_MERKLE_PLACEHOLDER)).toBe(
    '5350415253455f4d45524b4c455f504c414345484f4c4445525f484153480000',
  );
});

describe('state items', () => {
  const resource =
    '0000000000000000000000000000000000000000000000000000000000000000013301000000000000000000000000000000000000000000000000000000000000000108636861696e5f696407436861696e496400';
  const table =
    '011b854694ae746cdbd8d44186ca4929b2b337df21d1c74633be19b2710552fdca200619dc29a0aac8fa146714058e8dd6d2d0f3bdf5f6331907bf91f3acd81e6935';
  it.each([
    [resource, 'd763efaa519ece09c8d43b66386f5e3d203d6caf7c4be3ede545eab4916f4d4c'],
    [table, '6e4b28d40f98a106a65163530924c0dcb40c1349d3aa915d108b4d6cfc1ddb19'],
    ['0203616263', '15d8242d14e8ee2fde20e2334485e0b14172e2cd8e87bea91f50c74f7ab96cb6'],
  ])('have the known hash of key %s', (key, expected) => {
    expect(toHex(stateKeyHash(fromHex(key)))).toBe(expected);
  });
  it.each([
    ['000102', '0c601f8a4229db77c81c31c66c50ffa0efda974da6348ab7d0e93bd4995602f8'],
    [
      '0010ffffa30731af05000100000000000000',
      '6bf4aeb58f794adfa7ec206eabbc60ea12b27ec794f384c729107d7632281547',
    ],
    [
      '0102cafe0005000000000000000700000000000000',
      '305b632fa32e9b698a0313863c4350eaf6b50bb412ce9f63af85d7ad70b03ab0',
    ],
    [
      '0102cafe01050000000000000006000000000000000700000000000000',
      'abc863786021224e27e7ef2a457264e035bca88c72ca61fcf261549cc3469d04',
    ],
  ])('have the known hash of value %s', (value, expected) => {
    expect(toHex(hash('StateValue', fromHex(value)))).toBe(expected);
  });
  it('have the known hash of a leaf', () => {
    const leaf = leafNode(stateKeyHash(fromHex(resource)), hash('StateValue', fromHex('000102')));
    expect(toHex(leaf)).toBe('b85e744fb4f680867fc8462ebbff076460d46fbcfdcf820eab1c72325c6f2083');
  });
});

it.each([
  ['00', '94121d67116cbda9539bf969d9a13f4fe53d144c476d048747bdbc4d44cfcbf6'],
  ['0107000000', '6c9a6f24c0c70a57f5819c4eadb08baa86d25da6d6084e8900ffdecb5ea8cddd'],
])('auxiliary info %s has its known hash', (bytes, expected) => {
  expect(toHex(hash('PersistedAuxiliaryInfo', fromHex(bytes)))).toBe(expected);
});

describe("a public testnet's first versions", () => {
  const infos = [
    '00000000000000000000879da88b8dcf588c6e80541cc400faadab853952492982b9cdd0af55dd1b407acc633b0ff1d36f730e9686a16b701963e09bf01e484db695aa90fd63b7698215dc426933f5f058c9687616ce9ab9df4c3eb7a22d6293e0414c8b23067b7fa72f016e9c67140e4e2ae27e6b1b2b1f6f7b9f07d89fc89068632fa937ea46de9e015300',
    '',
    '000000000000000000004aca0d40a3818008a8eae864b41a3fe1de5f7095eaf46e789fc2eb9eeb553b666245700e612bc079b280b5006c43a3aad383e321d7c04bd7c3b3eb70c1c2b6d70ee46e9904f9d34c6d7af63633abb1705e1e132dfe25d495a98c388a5e8ba4570000',
    '0000000000000000000077da2c7a41ba6d46dc015c58f489c8d6ee030f98d95cca5b096578ca9e144aa6414343554d554c41544f525f504c414345484f4c4445525f4841534800000000afb6e14fe47d850fd0a7395bcfb997ffacf4715e0f895cc162c218e4a7564bc60156bf9bb8d9049d2f56541c19f48da847dd5c12419529f8db97255b08c2cf42b700',
  ];
  const roots = [
    'a82b8b8e40e61e83cd284071ff179ce9b79458768e9e4feca8b892425b18b2f0',
    '9ea9199a843c0269b9e003fcbfb2da6f7034f1558043c558e221e897b25fb74e',
    '79e27f94c9fd1482e4d4fd8707881bc3806c53b80c44a5241cc61d5e09153658',
    '5e8e44711fba04cd509484a14b6071e50b06071e36d4b6ccf8edd724af0d6393',
  ];
  it('have the published accumulator roots', () => {
    const leaves = infos.map((info) =>
      info === ''
        ? fromHex('164a5fe36e88ecf4d81b776a2fc830a5729061c300510df6b95b826ff781c84d')
        : transactionInfoHash(readTransactionInfo(new BcsReader(fromHex(info)))),
    );
    roots.forEach((root, i) => {
      const some = leaves.slice(0, i + 1);
      expect(toHex(accumulatorRoot('TransactionAccumulator', some))).toBe(root);
    });
  });
});

it('module events have their known hashes and root', () => {
  const events = [
    [
      '010700000000000000000000000000000000000000000000000000000000000000010e66756e6769626c655f61737365740857697468647261770028ea4046df0154f618d4cd306112a724774aab1ce61989e4eaba15cfc45cd7a5cd20a1070000000000',
      'c1efd57dc550cf71ac09371a8b3abd68e6e78021ee2af199eb91fa22a03143fd',
    ],
    [
      '010700000000000000000000000000000000000000000000000000000000000000010e66756e6769626c655f6173736574074465706f736974002810bb3798e5aba8d7ee47e50c2017910e696953beb5771c3985f6612a27f1f58c20a1070000000000',
      '456865c724b837b7f1aa4b4205e597eeebe84274b42e703fb3e6bc17cf95bec6',
    ],
    [
      '010700000000000000000000000000000000000000000000000000000000000000010f7472616e73616374696f6e5f6665650c46656553746174656d656e740028632800000000000027000000000000003c0000000000000000a00f00000000000000000000000000',
      '69b7efa7454208155fbc539f6366abf618b542fb703f2326225af05543639ce3',
    ],
  ] as const;
  const leaves = events.map(([bytes, expected]) => {
    const leaf = hash('ContractEvent', fromHex(bytes));
    expect(toHex(leaf)).toBe(expected);
    return leaf;
  });
  expect(toHex(accumulatorRoot('EventAccumulator', leaves))).toBe(
    '529b47d529c9e6b0ac7bab418971e768c3d1b21646e7f8c2087ed1efb2c685ba',
  );
});

describe('ledger infos', () => {
  const info: LedgerInfo = {
    epoch: 1n,
    round: 2n,
    id: new Uint8Array(32).fill(3),
    executedStateId: new Uint8Array(32).fill(4),
    version: 5n,
    timestampUsecs: 6n,
    nextEpochState: undefined,
    consensusDataHash: new Uint8Array(32).fill(7),
  };
  const secrets = [1, 2, 3].map((n) => new Uint8Array(32).fill(n, 31));
  const bytes = encodeLedgerInfo(info);
  const state = (powers: bigint[], epoch = 1n) => ({
    epoch,
    validators: powers.map((votingPower, i) => ({
      address: new Uint8Array(32).fill(i),
      publicKey: publicKeyOf(secrets[i]!),
      votingPower,
    })),
  });
  const signed = (signers: number[], mask?: Uint8Array) => {
    const { bitmask, signature } = signLedgerInfo(bytes, secrets, signers);
    const whole = encodeLedgerInfoWithSignatures(info, mask ?? bitmask, signature);
    return decodeLedgerInfoWithSignatures(whole);
  };

  it('have their known hash, waypoint, keys and signatures', () => {
    expect(toHex(ledgerInfoHash(signed([0])))).toBe(
      'b491730b7340f823631e3932daaaf9e1e09c776be2c06c2cd2516c3a0489c419',
    );
    expect(formatWaypoint(waypointOf(info))).toBe(
      '5:f03c8241e7a472021df0f56d2a54ce2c142d2c0319fb93d90c355187c246b230',
    );
    expect(toHex(publicKeyOf(secrets[2]!))).toBe(
      '89ece308f9d1f0131765212deca99697b112d61f9be9a5f1f3780a51335b3ff981747a0b2ca2179b96d2c0c9024e5224',
    );
    const { bitmask, signature } = signLedgerInfo(bytes, secrets, [0, 2]);
    expect(toHex(bitmask)).toBe('a0');
    expect(toHex(signature)).toBe(
      '875cf83b80712caf7c585f4abe98b0137b3504269ce6b51fc2dd1e9514de7eeb0d1508058bf74d8f8448d219c4fe7ab504282e5e050f78d274c4094bd1c24b83d135fd51aff77b7ae2977aba0ba22cdb932a457e955444014034e721080b8488',
    );
  });

  it('are accepted from a quorum by voting power', () => {
    const verify = (powers: bigint[], signers: number[]) => () =>
      verifyLedgerInfoSignatures(state(powers), signed(signers));
    expect(verify([1n, 1n, 1n], [0, 1, 2])).not.toThrow();
    expect(verify([1n, 1n, 1n], [0, 2])).toThrow(/voting power 2, 3 is needed/);
    expect(verify([2n ** 63n, 1n, 1n], [0])).not.toThrow();
    // Rounded to doubles these powers would make a quorum.
    const close = 2n ** 62n;
    expect(verify([close * 2n, close, 0n], [0])).toThrow(/is needed/);
    expect(verify([close * 2n + 1n, close, 0n], [0])).not.toThrow();
  });

  it('are refused for another epoch, mask or content', () => {
    const powers = [1n, 1n, 1n];
    const good = signed([0, 1, 2]);
    expect(() => verifyLedgerInfoSignatures(state(powers, 2n), good)).toThrow(/of epoch 2 cannot/);
    const masks = [[0xf0], [0xe0, 0], []].map((mask) => Uint8Array.from(mask));
    for (const mask of masks) {
      expect(() => verifyLedgerInfoSignatures(state(powers), signed([0, 1, 2], mask))).toThrow(
        /bit mask/,
      );
    }
    const otherSigners = signed([0, 1], Uint8Array.of(0xe0));
    expect(() => verifyLedgerInfoSignatures(state(powers), otherSigners)).toThrow(/does not fit/);
    const other = encodeLedgerInfoWithSignatures(
      { ...info, round: 3n },
      good.bitmask,
      good.signature,
    );
    expect(() =>
      verifyLedgerInfoSignatures(state(powers), decodeLedgerInfoWithSignatures(other)),
    ).toThrow(/does not fit/);
    const unsigned = encodeLedgerInfoWithSignatures(info, good.bitmask, undefined);
    expect(() =>
      verifyLedgerInfoSignatures(state(powers), decodeLedgerInfoWithSignatures(unsigned)),
    ).toThrow(/no signature/);
  });
});

it.each([
  '',
  '5',
  '5:',
  `5:${'0'.repeat(63)}`,
  `18446744073709551616:${'0'.repeat(64)}`,
  `-1:${'0'.repeat(64)}`,
])('%j is not a waypoint', (text) => {
  expect(() => parseWaypoint(text)).toThrow(/is not a waypoint/);
});
