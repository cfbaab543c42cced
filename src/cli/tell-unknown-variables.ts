import { SETTINGS } from '../config/settings.js';
import { didYouMean } from '../lib/nearest.js';
import { say } from './say.js';

/** Variables that are no settings of a configuration file. */
const NO_SETTINGS = [
  'APTOS_BACKUP_ADAPTER_EMPTY_LISTING',
  'APTOS_BACKUP_ADAPTER_READ_BACK',
  'APTOS_BACKUP_ADAPTER_SECONDS',
  'APTOS_BACKUP_CACHE_DIR',
  'APTOS_BACKUP_CHUNK_SLOTS',
  'APTOS_BACKUP_CONFIG',
  'APTOS_BACKUP_STORAGE_SECONDS',
];
/**
 * Variables that nobody typed: those of the command of a notification, which may run us; that of a worker; and what
 * Kubernetes gives each pod for a Service of our name.
 */
const OF_PROGRAMS =
  /^APTOS_BACKUP_(?:ALARM_|ROLE$|(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT|PORT)(?:_|$))/;

/** Says which variables look like ours and are none: a typing mistake would change nothing, and go unseen. */
export function tellUnknownVariables(env: NodeJS.ProcessEnv = process.env): void {
  const ofSettings = SETTINGS.flatMap(({ variable, others = [] }) => [
    ...(variable === undefined ? [] : [variable]),
    ...others.map((other) => other.variable),
  ]);
  const known = new Set([...NO_SETTINGS, ...ofSettings]);
  for (const name of Object.keys(env).sort()) {
    if (!name.startsWith('APTOS_BACKUP_') || known.has(name) || OF_PROGRAMS.test(name)) continue;
    const names = [...known].map((one) => one.toLowerCase());
    const meant = didYouMean(name, names).replace(/"\w+"/, (one) => one.toUpperCase());
    say(`the variable ${name} is not known, and not used${meant}`, 'warn');
  }
}
