// Numbers and times in words.

/** @typedef {import('../../contract/answers/page-answers.js').PageStatus} PageStatus */
/** @typedef {import('../../contract/job.js').BackupType} BackupType */

/** @type {Record<BackupType, string>} */
export const NAMES = {
  epoch_ending: 'epoch endings',
  state_snapshot: 'state snapshots',
  transaction: 'transactions',
};

/** @type {BackupType[]} */
export const STREAMS = ['epoch_ending', 'state_snapshot', 'transaction'];

/**
 * Seconds: 75 becomes "1m 15s".
 * @param {number} seconds
 */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m ${whole % 60}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h ${minutes % 60}m` : `${Math.floor(hours / 24)} days`;
}

/**
 * How long ago an ISO time was, by the clock of the server.
 * @param {string} at
 * @param {{ at: string }} status
 */
export function ago(at, status) {
  return `${duration((Date.parse(status.at) - Date.parse(at)) / 1000)} ago`;
}

/**
 * Digits in groups of three: 1234567 becomes "1 234 567".
 * @param {string | number} number
 */
export function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/**
 * A number of things: "1 backup", "2 000 backups".
 * @param {string | number} count
 * @param {string} one
 */
export function counted(count, one) {
  return `${grouped(count)} ${one}${String(count) === '1' ? '' : 's'}`;
}

/** @param {number} count */
export function bytes(count) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${(count / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/**
 * A time as people of this browser write it.
 * @param {string} at
 */
export function clock(at) {
  return new Date(at).toLocaleString(undefined, { dateStyle: 'short', timeStyle: 'medium' });
}
