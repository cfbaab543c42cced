import type { LiveStatus } from '../../src/contract/answers/shown-answers.js';

/**
 * Whether a coordinator has stored all that its node serves, and works on nothing. While a stream still has a unit in
 * work, the storage rightly holds files that no metadata names yet.
 */
export function hasCaughtUp(
  status: Pick<LiveStatus, 'streams'> | undefined,
  { version, epoch }: { version: number; epoch: number },
): boolean {
  const { epoch_ending: epochs, state_snapshot: state, transaction } = status?.streams ?? {};
  return (
    transaction?.newest === `${version}` &&
    epochs?.newest === `${epoch - 1}` &&
    state?.newest === `${epoch - 1}` &&
    ![epochs, state, transaction].some((stream) => stream.current)
  );
}
