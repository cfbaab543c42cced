import { ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import type * as v from 'valibot';
import { readAnswer } from '../contract/answers/read-answer.js';
import { codeOfFailure } from '../contract/failure.js';
import type { ErrorCode } from '../errors/catalogue.js';

/**
 * Waits for the result of a workflow that fails with `code` when it found something wrong: then its failure carries the
 * result. `what` names the workflow, like "the copy". @throws any other failure
 */
export async function carriedResult<S extends v.GenericSchema>(
  result: Promise<unknown>,
  schema: S,
  code: ErrorCode,
  what: string,
): Promise<v.InferOutput<S>> {
  try {
    return readAnswer(schema, await result, what);
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
    if (cause instanceof ApplicationFailure && codeOfFailure(cause) === code) {
      return readAnswer(schema, cause.details?.[0], what);
    }
    throw error;
  }
}
