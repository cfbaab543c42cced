/** Which names of networks are accepted. A misspelt name must not turn the check off. */
import { expect, it } from 'vitest';
import { KNOWN_NETWORKS } from '../../src/aptos/index.js';
import { scheduleOf } from '../../src/client/schedules.js';
import { parseCoordinatorInput } from '../../src/contract/coordinator-input.js';
import { parseInput, parseNetwork } from '../../src/contract/backup-input.js';
import { NETWORK_NAMES } from '../../src/contract/network.js';
import { parseVerifyInput } from '../../src/contract/verify-input.js';

const storage = { local_fs_dir: '/backups' };
const node = 'http://localhost:6186';

it('known networks are those whose published waypoints are built in', () => {
  expect(NETWORK_NAMES).toEqual(KNOWN_NETWORKS.map(({ name }) => name));
});

it.each([undefined, ...NETWORK_NAMES, 'custom:my-chain', 'custom:A.b_9'])(
  'the network %s is accepted',
  (name) => {
    expect(parseNetwork(name)).toBe(name);
  },
);

it.each<[unknown, RegExp]>([
  [
    'mainet',
    /"mainet" is not known, did you mean "mainnet"\? known are mainnet, testnet, .*custom:NAME/,
  ],
  ['Mainnet', /did you mean "mainnet"\?/],
  ['tesnet', /did you mean "testnet"\?/],
  ['movement_mainet', /did you mean "movement-mainnet"\?/],
  ['my-chain', /"my-chain" is not known: known are mainnet/],
  ['', /is not known: known are/],
  ['custom:', /after "custom:" comes a name/],
  ['custom:a b', /after "custom:" comes a name/],
  ['custom:mainnet', /mainnet is a known network, give it without "custom:"/],
  ['m'.repeat(5_000), /^network "m{70,80}.{0,20}is not known/],
  [5, /must be a name; known are/],
  [null, /must be a name/],
])('the network %j is refused', (name, why) => {
  const refused = expect.objectContaining({
    code: 'INPUT_INVALID',
    message: expect.stringMatching(why) as string,
  }) as Error;
  const network = name as string;
  for (const parse of [
    () => parseNetwork(network),
    () => parseInput('state_snapshot', { node, storage, network, epoch: 1 }),
    () => parseCoordinatorInput({ node, storage, network }),
    () => parseVerifyInput({ storage, network }),
    () => scheduleOf('verify', { node, storage, network }),
    () => scheduleOf('due', { node, storage, network }),
  ]) {
    expect(parse).toThrow(refused);
  }
});
