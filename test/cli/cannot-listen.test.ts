/** What a command says when it cannot listen at an address, and with which code it ends. */
import { expect, it } from 'vitest';
import { openPage } from '../../src/cli/open-page.js';
import { cannotListen } from '../../src/cli/cannot-listen.js';
import { exitCodeOf } from '../../src/client/command-failure.js';

it.each([
  ['EAI_AGAIN', 1, 'no name server answers for this name; try again later, or give an IP address'],
  ['EADDRINUSE', 1, 'another program has this port; name another port, or end that program'],
  ['ENOTFOUND', 2, 'there is no host of this name; check the spelling, or give an IP address'],
  ['EACCES', 2, 'this user may not listen there; name a port above 1023'],
])('%s', (code, exitCode, words) => {
  const cause = Object.assign(new Error(`listen ${code}: in words of the system`), { code });
  const error = cannotListen('--listen', 'host:80', cause);
  expect(error.message).toBe(`--listen host:80: ${words}`);
  expect(exitCodeOf(error)).toBe(exitCode);
});

it('an address that cannot be used is named once, also when we have no words for the reason', async () => {
  const address = '[fe80::1%nothing]:0'; // there is no such interface
  const opening = openPage({ healthAddress: address }, () => undefined);
  const { message } = await opening.then(
    () => new Error('it listens'),
    (error: Error) => error,
  );
  expect(message).toMatch(/^--health-address \[fe80::1%nothing\]:0: /);
  expect(message.split('--health-address')).toHaveLength(2);
});
