import type { Restorable } from '../contract/answers/coordinator-answers.js';

/** Says in one line what the stock tool can restore now. */
export function describeRestorable(restorable: Restorable): string {
  const { yes, version, epoch, history_from: from, needs_target_version: needsTarget } = restorable;
  const why = restorable.why.join('; ');
  if (!yes) return `no: ${why}`;
  const target = needsTarget ? `, with --target-version ${version}` : '';
  return `to version ${version} (epoch ${epoch} and later transactions)${target}, history whole from ${from}${why ? `: ${why}` : ''}`;
}
