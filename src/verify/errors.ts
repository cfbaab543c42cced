/**
 * - NOTHING_TO_VERIFY: there is nothing that a verification could have proven; that is a failure
 */
export class VerifyError extends Error {
  override readonly name = 'VerifyError';
  readonly code = 'NOTHING_TO_VERIFY';
  readonly retryable = false;
}
