import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { onTestFinished } from 'vitest';
import { triedAgain } from './tried-again.js';

/** A Temporal server of the operator's own, on which so many of the ten Keyword attributes are in use. */
export async function serverWithOwnAttributes(taken: number) {
  const names = Array.from({ length: taken }, (_, i) => `Own${i}`);
  const start = () =>
    TestWorkflowEnvironment.createLocal({
      server: {
        executable: { type: 'existing-path', path: process.env['TEMPORAL_CLI_PATH']! },
        searchAttributes: names.map((name) =>
          defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
        ),
      },
    });
  // It gives a server five seconds, which a busy machine may not have.
  const environment = await triedAgain(5, start);
  onTestFinished(() => environment.teardown());
  const connection = environment.connection;
  return {
    address: environment.address,
    connection,
    client: environment.client,
    async makeRoom(): Promise<void> {
      const request = { namespace: 'default', searchAttributes: names };
      await connection.operatorService.removeSearchAttributes(request);
    },
  };
}
