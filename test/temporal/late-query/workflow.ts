import {
  CancellationScope,
  condition,
  proxyActivities,
  setHandler,
  defineQuery,
} from '@temporalio/workflow';

interface Activities {
  unit(name: string): Promise<void>;
  watch(): Promise<void>;
}
const options = { taskQueue: 'late-query-activities', startToCloseTimeout: '10 minutes' } as const;
const { unit } = proxyActivities<Activities>(options);
const { watch } = proxyActivities<Activities>({ ...options, cancellationType: 'TRY_CANCEL' });

/** Like the coordinator: whenever a unit ends, it starts a new watch on the node. */
export async function lateQuery(): Promise<void> {
  let ended = 0;
  setHandler(defineQuery<number>('ended'), () => ended);
  for (const name of ['a', 'b']) void unit(name).then(() => (ended += 1));
  for (let seen = 0; seen < 2; seen = ended) {
    const scope = new CancellationScope();
    scope.run(watch).catch(() => undefined);
    const known = seen;
    await condition(() => ended > known);
    scope.cancel();
  }
  await unit('c');
}
