/** A compaction that dies at any moment harms nothing, and the next one goes on. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { STOCK, StorageCopy } from '../../support/storage-copy.js';
import { dying } from './hooked.js';
import { FIRST_RUN, compacted, metadataIn, namedIn, withoutStamps } from './support.js';

/** The metadata of the stock fixture without most of its backups, so that each run has few steps. */
function small(): StorageCopy {
  const s = new StorageCopy(join(STOCK, 'stock-plain'));
  const kept = ['transaction_0-0', 'transaction_1-100', 'state_snapshot_ver_138', 'identity'];
  for (const handle of s.files()) {
    const name = /^metadata\/(.*)\.meta$/.exec(handle)?.[1];
    if (name === undefined || !kept.includes(name)) rmSync(s.path(handle));
  }
  return s;
}

/** A storage on which a compaction has run once. */
async function halfWay(): Promise<StorageCopy> {
  const s = small();
  await compacted(s.storage);
  return s;
}

const DONE = [
  'identity.meta',
  'state_snapshot_compacted_epoch_3_3.meta',
  'transaction_compacted_0-100.meta',
];

describe.each([
  { what: 'while it writes', start: () => Promise.resolve(small()), at: FIRST_RUN },
  { what: 'while it moves files away', start: halfWay, at: FIRST_RUN + 2 },
])('$what', ({ start, at }) => {
  it('each step may be the last', async () => {
    const template = await start();
    const whole = new StorageCopy(template.folder);
    const { storage, state } = dying(whole.folder);
    await compacted(storage, { at });
    const steps = state.changes;
    expect(steps).toBeGreaterThan(10);
    const before = await namedIn(template.storage);
    const end = Object.keys(withoutStamps(metadataIn(whole.folder)));

    for (let most = 1; most <= steps; most += 1) {
      const s = new StorageCopy(template.folder);
      await compacted(dying(s.folder, most).storage, { at }).catch((error: unknown) =>
        expect(error).toMatchObject({ message: expect.stringContaining('is dead') as string }),
      );
      const step = `after step ${most} of ${steps}`;
      expect(await namedIn(s.storage), step).toEqual(before);
      await compacted(s.storage, { at });
      expect(Object.keys(withoutStamps(metadataIn(s.folder))), step).toEqual(end);
      expect(await namedIn(s.storage), step).toEqual(before);
      if (most % 5 > 0) continue;
      await compacted(s.storage, { at: at + 2 });
      expect(Object.keys(withoutStamps(metadataIn(s.folder))), step).toEqual(DONE);
    }
  });
});
