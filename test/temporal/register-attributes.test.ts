// A server that never heard of our search attributes gets them. Where that is not possible we work without, and
// it is said what to run.
import type { Connection } from '@temporalio/client';
import { expect, test } from 'vitest';
import { ensureSearchAttributes } from '../../src/temporal/register-attributes.js';
import { serverWithOwnAttributes } from '../support/own-attributes.js';

const OURS = ['BackupType', 'Network', 'Phase', 'Storage'];
const TEXT = 1;

async function customAttributes(connection: Connection): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({
    namespace: 'default',
  });
  return Object.keys(customAttributes ?? {});
}

/** A server that knows these, and answers each request to add one like this. */
function pretended(known: object | Error, added: () => Promise<object>): Connection {
  const listSearchAttributes = () =>
    known instanceof Error ? Promise.reject(known) : Promise.resolve({ customAttributes: known });
  return { operatorService: { listSearchAttributes, addSearchAttributes: added } } as never;
}
const failure = (code: number, message: string) => Object.assign(new Error(message), { code });
const denied = failure(7, '7 PERMISSION_DENIED: Request unauthorized.');

test('missing attributes are added, and doing it again changes nothing', async () => {
  const { connection } = await serverWithOwnAttributes(0);
  expect(await customAttributes(connection)).not.toContain('BackupType');
  const ensure = () => ensureSearchAttributes(connection, 'default');
  for (const usable of await Promise.all([1, 2, 3].map(ensure))) {
    expect(usable).toEqual({ names: OURS });
  }
  expect(await ensure()).toEqual({ names: OURS });
  expect(await customAttributes(connection)).toEqual(expect.arrayContaining(OURS));
  await expect(ensureSearchAttributes(connection, 'nowhere')).rejects.toThrow(/nowhere/);
});

test('attributes are added as far as there is room, and only the rest is missing', async () => {
  const { connection } = await serverWithOwnAttributes(9);
  const { names, without } = await ensureSearchAttributes(connection, 'default');
  expect(names).toEqual(['BackupType']);
  expect(without).toMatch(
    /^Working without the search attributes Network, Phase, Storage of namespace default \(.*more than 10.*--name Network --type Keyword --name Phase --type Keyword --name Storage --type Keyword; then start the workers again$/,
  );
});

test('without permission to add or list attributes, the message names the command for somebody who has it', async () => {
  const adding = pretended({ Phase: 2 }, () => Promise.reject(denied));
  const { names, without } = await ensureSearchAttributes(adding, 'prod');
  expect(names).toEqual(['Phase']);
  expect(without).toContain(
    'temporal operator search-attribute create --namespace prod --name BackupType --type Keyword --name Network --type Keyword',
  );
  const listing = pretended(denied, () => Promise.reject(denied));
  expect(await ensureSearchAttributes(listing, 'prod')).toEqual({
    names: [],
    without: expect.stringMatching(/BackupType, Network, Phase, Storage .*unauthorized/) as string,
  });
});

test('an attribute of our name with another type is left alone', async () => {
  const connection = pretended({ Phase: TEXT }, () => Promise.resolve({}));
  const { names, without } = await ensureSearchAttributes(connection, 'prod');
  expect(names).toEqual(['BackupType', 'Network', 'Storage']);
  expect(without).toMatch(/Phase is there with another type than Keyword/);
});

test('a server that is away for a moment is tried again', async () => {
  let asked = 0;
  const connection = pretended({}, () => {
    asked += 1;
    return asked === 2 ? Promise.reject(failure(14, 'it is away')) : Promise.resolve({});
  });
  expect(await ensureSearchAttributes(connection, 'prod')).toEqual({ names: OURS });
  expect(asked).toBe(OURS.length + 1);
});
