// What part of the axis of versions is looked at.

/** @typedef {{ first: number, last: number }} View */

/** Fewer versions than this are never shown. */
const LEAST = 10;
/** Nor a smaller share of all versions: beyond 2^53, numbers that differ by less are the same to a browser. */
const LEAST_SHARE = 2 ** -40;

/**
 * A view that is made to fit into 0 to `newest`.
 * @param {View} view
 * @param {number} newest
 * @returns {View}
 */
export function fitted({ first, last }, newest) {
  const least = Math.max(LEAST, newest * LEAST_SHARE);
  const width = Math.min(Math.max(last - first, least), Math.max(newest, LEAST));
  const from = Math.min(Math.max(0, (first + last - width) / 2), Math.max(newest, LEAST) - width);
  return { first: Math.floor(from), last: Math.ceil(from + width) };
}

/**
 * @param {View} view
 * @param {number} factor below 1: fewer versions are shown
 * @param {number} at where between 0 (left) and 1 (right) nothing moves
 * @returns {View}
 */
export function zoomed({ first, last }, factor, at = 0.5) {
  const still = first + (last - first) * at;
  return { first: still - (still - first) * factor, last: still + (last - still) * factor };
}

/**
 * @param {View} view
 * @param {number} share of what is shown
 * @returns {View}
 */
export function moved({ first, last }, share) {
  const by = (last - first) * share;
  return { first: first + by, last: last + by };
}

/**
 * Round versions to write below the map: at most `most`.
 * @param {View} view
 * @param {number} most
 */
export function ticks({ first, last }, most) {
  const least = Math.max(1, (last - first) / most);
  const ten = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((n) => n * ten).find((n) => n >= least) ?? least;
  /** @type {number[]} */
  const found = [];
  for (let at = Math.ceil(first / step) * step; at <= last; at += step) found.push(at);
  return found;
}
