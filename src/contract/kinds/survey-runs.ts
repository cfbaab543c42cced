import { spanOf, unionOf } from '../../lib/spans.js';
import type { TextSpan } from '../coordinator-state.js';

/** The runs of a survey, with one more. */
export function withRun(runs: readonly TextSpan[], more: TextSpan): TextSpan[] {
  return unionOf([...runs, more].map(spanOf)).map(({ first, last }) => ({
    first: `${first}`,
    last: `${last}`,
  }));
}
