import { UsageError } from '../client/command-failure.js';
import { systemWords } from '../lib/host/system-words.js';

/** Another program may end, and an interface or a name server come up: the same command succeeds later. */
const PASSES = /\b(EADDRINUSE|EADDRNOTAVAIL|EAI_AGAIN)\b/;

/**
 * The error of a command that cannot listen where `flag` says. It is a mistake in the flag unless it may pass by
 * itself: systemd does not start again what was called in a wrong way.
 */
export function cannotListen(flag: string, address: string, error: unknown): Error {
  const what = `${flag} ${address}: ${systemWords(error, 'listen')}`;
  return PASSES.test(String(error)) ? new Error(what) : new UsageError(what);
}
