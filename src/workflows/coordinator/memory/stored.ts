import type { Survey } from '../../../contract/coordinator-memory.js';
import { type BackupType, type Target, spanOfTarget } from '../../../contract/job.js';
import { rulesOf } from '../../../contract/kinds/index.js';
import type { ResultOf } from '../../../contract/unit.js';
import { meet, spanOf, without } from '../../../lib/spans.js';
import type { KnownSurvey } from '../../../contract/known.js';

/** Adds a committed backup to the survey. */
export function addToSurvey<K extends BackupType>(survey: Survey, result: ResultOf<K>): void {
  rulesOf<K>(result.type).addCommitted(survey, result);
}

/** Whether the storage has a unit or a part of it. */
export function holdsSomeOf(survey: KnownSurvey, target: Target): boolean {
  const wanted = spanOfTarget(target);
  return rulesOf(target.type)
    .stored(survey)
    .some((run) => meet(run, wanted));
}

/** A storage that shows less than it did before has an outage, whatever the listing says. */
export function requireStillListed(before: KnownSurvey | undefined, now: KnownSurvey): void {
  const size = ({ epochs, versions, snapshots }: KnownSurvey) =>
    epochs.length + versions.length + snapshots.length;
  if (!before) return;
  if (size(before) > 0 && size(now) === 0) throw outage('held backups before and shows none now');
  if (!before.listed || !now.listed) return;
  const [epochs] = without(before.listed.epochs.map(spanOf), now.listed.epochs.map(spanOf));
  const [versions] = without(before.listed.versions.map(spanOf), now.listed.versions.map(spanOf));
  const lost =
    (epochs && `epoch endings ${epochs.first} to ${epochs.last}`) ??
    (versions && `transactions ${versions.first} to ${versions.last}`);
  if (lost) throw outage(`had metadata of ${lost} before and does not list it now`);
}

function outage(what: string): Error {
  return new Error(
    `the storage ${what}. This counts as an outage: nothing is written. If it was removed on purpose: aptos-backup stop, then start it again`,
  );
}
