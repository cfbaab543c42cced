import { didYouMean } from '../lib/nearest.js';
import { shorten } from '../lib/shorten.js';

/** The networks that have a name. What they publish is in `aptos/chain/networks.ts`. */
export const NETWORK_NAMES = ['mainnet', 'testnet', 'movement-mainnet', 'movement-testnet'];

const CUSTOM = 'custom:';
const SHORT_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

/** Why a value cannot be the name of a network, and what can. Undefined: it is a network. */
export function networkProblem(value: unknown): string | undefined {
  const known = `known are ${NETWORK_NAMES.join(', ')}; name a chain of your own like ${CUSTOM}NAME`;
  if (typeof value !== 'string') return `network must be a name; ${known}`;
  if (NETWORK_NAMES.includes(value)) return undefined;
  const own = value.startsWith(CUSTOM) ? value.slice(CUSTOM.length) : undefined;
  if (own === undefined) {
    const meant = didYouMean(value, NETWORK_NAMES) || ':';
    return `network "${shorten(value, 80)}" is not known${meant} ${known}`;
  }
  if (NETWORK_NAMES.includes(own)) {
    return `network "${value}": ${own} is a known network, give it without "${CUSTOM}"`;
  }
  if (SHORT_NAME.test(own)) return undefined;
  return `network "${shorten(value, 80)}": after "${CUSTOM}" comes a name of 1 to 64 letters, digits, ".", "_" or "-"`;
}
