import { expect, it } from 'vitest';
import { describeInFlight } from '../../src/supervisor/worker-death.js';

it('what a dead worker had in hand names the unit or range, and the storage by its workflow', () => {
  const unit = {
    ...{ token: '', activity: 'backUpUnit', range: 'transactions 0 to 9', attempt: 2, since: 0 },
    workflowId: 'aptos-backup/backups-1a2b3c4d/coordinator',
  };
  expect(describeInFlight(unit)).toBe(
    'backUpUnit transactions 0 to 9 of aptos-backup/backups-1a2b3c4d/coordinator (attempt 2)',
  );
  const { range: _, ...watch } = { ...unit, activity: 'watchNode' };
  expect(describeInFlight(watch)).toBe(
    'watchNode of aptos-backup/backups-1a2b3c4d/coordinator (attempt 2)',
  );
});
