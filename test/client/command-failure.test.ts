/** What a command says of a call that the Temporal server did not answer as it should. */
import { ServiceError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { messageOf } from '../../src/client/command-failure.js';
import { runCli } from '../support/cli.js';
import { startTemporal } from '../support/temporal.js';

function call(code: number, word: string, details: string): Error {
  return Object.assign(new Error(`${code} ${word}: ${details}`), { code, details, metadata: {} });
}

it.each([
  [call(4, 'DEADLINE_EXCEEDED', 'Deadline exceeded after 30.0s'), /gave no answer in time; is it /],
  [call(14, 'UNAVAILABLE', 'No connection established'), /is away \(No connection established\)$/],
  [call(7, 'PERMISSION_DENIED', 'Request unauthorized.'), / refused: Request unauthorized\.$/],
  [call(5, 'NOT_FOUND', 'Namespace other is not found.'), / no namespace other; correct TEMP/],
])('%s', (cause, told) => {
  const message = messageOf(new ServiceError('Failed to list workflows', { cause }));
  expect(message).toMatch(told);
  expect(message).toMatch(/^the Temporal server /);
  expect(messageOf(cause)).toBe(message);
});

describe('a namespace that the server does not have', () => {
  let session: Awaited<ReturnType<typeof startTemporal>>;
  beforeAll(async () => {
    session = await startTemporal();
  });
  afterAll(() => session.close());

  it.each(['status', 'list', 'continuously'])('is told by %s', async (command) => {
    const storage = command === 'continuously' ? ['--local-fs-dir', '/nowhere'] : [];
    const environment = { TEMPORAL_ADDRESS: session.address, TEMPORAL_NAMESPACE: 'other' };
    const { code, out, err } = await runCli([command, ...storage], environment);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(
      /aptos-backup: the Temporal server has no namespace other; correct TEMPORAL_NAMESPACE, /,
    );
    expect(err.trimEnd().split('\n')).toHaveLength(1);
  });
});
