// A server that never heard of our search attributes gets them; where that is not possible, the
// error tells what to run.
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureSearchAttributes } from '../../src/temporal/search-attributes.js';

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  const path = process.env['TEMPORAL_CLI_PATH']!;
  environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path } },
  });
});
afterAll(() => environment.teardown());

async function customAttributes(connection: Connection): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({
    namespace: 'default',
  });
  return Object.keys(customAttributes ?? {});
}

test('missing attributes are added; doing it again, also at once, changes nothing', async () => {
  const { connection } = environment.client;
  const operator = connection as Connection;
  expect(await customAttributes(operator)).not.toContain('BackupType');
  await Promise.all([1, 2, 3].map(() => ensureSearchAttributes(operator, 'default')));
  await ensureSearchAttributes(operator, 'default');
  expect(await customAttributes(operator)).toEqual(
    expect.arrayContaining(['BackupType', 'Network', 'Phase']),
  );
});

test('without the right to, the error holds the command for somebody who has it', async () => {
  const denied = Object.assign(new Error('7 PERMISSION_DENIED: Request unauthorized.'), {
    code: 7,
  });
  const connection = {
    operatorService: {
      listSearchAttributes: () => Promise.resolve({ customAttributes: { Phase: 2 } }),
      addSearchAttributes: () => Promise.reject(denied),
    },
  } as unknown as Connection;
  await expect(ensureSearchAttributes(connection, 'prod')).rejects.toMatchObject({
    code: 'TEMPORAL_SEARCH_ATTRIBUTES',
    message: expect.stringContaining(
      'temporal operator search-attribute create --namespace prod --name BackupType --type Keyword --name Network --type Keyword',
    ) as unknown,
  });
});

test('an attribute of our name with another type is an error', async () => {
  const TEXT = 1;
  const connection = {
    operatorService: {
      listSearchAttributes: () => Promise.resolve({ customAttributes: { Phase: TEXT } }),
    },
  } as unknown as Connection;
  await expect(ensureSearchAttributes(connection, 'prod')).rejects.toThrow(
    /Phase .* must be Keyword/,
  );
});
