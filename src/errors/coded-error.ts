import { type ErrorCode, entryOf } from './catalogue.js';

/** An error with a code of the catalogue. The catalogue says everything except what happened where. */
export abstract class CodedError<Code extends ErrorCode> extends Error {
  constructor(
    readonly code: Code,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Whether the same request may succeed later by itself. */
  get retryable(): boolean {
    return entryOf(this.code).retryable;
  }
}
