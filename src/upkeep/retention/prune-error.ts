import { CodedError } from '../../errors/coded-error.js';

/** Keep rules are not followed, or a backup that somebody named is not there. */
export class PruneError extends CodedError<'PRUNE_REFUSED' | 'BACKUP_UNKNOWN'> {
  override readonly name = 'PruneError';
}
