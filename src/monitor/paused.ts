import type { StreamStatus } from '../contract/answers/coordinator-answers.js';

/**
 * Whether a stream begins nothing before a resume. A unit that it has in work waits as well: then its state is still
 * `working`. Coordinators of older releases tell a pause by the state alone.
 */
export function isPaused({ paused, state }: Pick<StreamStatus, 'paused' | 'state'>): boolean {
  return paused ?? state === 'paused';
}
