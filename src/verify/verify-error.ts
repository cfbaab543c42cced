import { CodedError } from '../errors/coded-error.js';

/** NOTHING_TO_VERIFY: the storage holds nothing of what was asked for. A verification of nothing is a failure. */
export class VerifyError extends CodedError<'NOTHING_TO_VERIFY'> {
  override readonly name = 'VerifyError';

  constructor(message: string) {
    super('NOTHING_TO_VERIFY', message);
  }
}
