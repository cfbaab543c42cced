/** Only the node says how many items a state has. A wrong count must not cost the whole state. */
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type Target, backUp, devnode, storageFolder } from '../../support/backup.js';
import { tamperingProxy } from '../../support/tampering-proxy.js';

const TARGET: Target = { type: 'state_snapshot', epoch: 2 };

it.each([
  [-1n, 'NODE_LIED'],
  [-50n, 'NODE_LIED'],
  [1n, 'NODE_SHORT'],
  [500n, 'NODE_SHORT'],
  [2n ** 60n, 'NODE_SHORT'],
])(
  'an item count that is wrong by %s is refused before anything is stored',
  async (wrongBy, code) => {
    const node = await devnode();
    const folder = storageFolder();
    let honest = false;
    const proxy = await tamperingProxy(node.address, (path, answer) => {
      if (path.startsWith('/state_item_count/') && !honest) {
        answer.writeBigUInt64LE(answer.readBigUInt64LE() + wrongBy);
      }
      return answer;
    });
    const setup = { node: proxy, folder, target: TARGET };
    await expect(backUp(setup)).rejects.toMatchObject({ code, retryable: true });
    expect(readdirSync(folder).filter((name) => name.startsWith('state_'))).toEqual([]);
    honest = true;
    await expect(backUp(setup)).resolves.toMatchObject({ already_committed: false });
  },
);

it('an item count of zero for a state that is not empty is refused', async () => {
  const node = await devnode();
  const proxy = await tamperingProxy(node.address, (path, answer) =>
    path.startsWith('/state_item_count/') ? answer.fill(0) : answer,
  );
  const failed = backUp({ node: proxy, folder: storageFolder(), target: TARGET });
  await expect(failed).rejects.toMatchObject({ code: 'NODE_LIED' });
});
