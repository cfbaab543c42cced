import {
  ApplicationFailure,
  NamespaceNotFoundError,
  ServiceError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  isGrpcServiceError,
} from '@temporalio/client';
import { codeOf } from '../errors/catalogue.js';

/** Errors of the Temporal client that only wrap the real one. */
const WRAPPERS = [WorkflowFailedError, WorkflowUpdateFailedError, ServiceError];
/** Status codes of gRPC. */
const DEADLINE_EXCEEDED = 4;
const UNAVAILABLE = 14;

/** The command was called in a wrong way; it ends with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The operator stopped the command; it ends with exit code 130, as shells expect. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export function exitCodeOf(error: unknown): number {
  const inner = innermost(error);
  const refused = inner instanceof ApplicationFailure && inner.type === 'InputError';
  if (refused || inner instanceof UsageError || codeOf(inner) === 'INPUT_INVALID') return 2;
  return inner instanceof Interrupted ? 130 : 1;
}

/** The cause of an error in one line. For a failed workflow or a refused message, it is the inner error's message. */
export function messageOf(error: unknown): string {
  const inner = innermost(error);
  if (inner instanceof WorkflowNotFoundError) {
    return `${inner.workflowId} has ended, or the server does not know it`;
  }
  if (inner instanceof NamespaceNotFoundError) return noNamespace(inner.namespace);
  if (isGrpcServiceError(inner)) return describeCall(inner).split('\n')[0]!;
  const message = inner instanceof Error ? inner.message : String(inner);
  return message.split('\n')[0]!;
}

interface FailedCall {
  code: number;
  details: string;
  message: string;
}

/** What is the matter with a call of the Temporal server. Its message begins with a number and a word of gRPC. */
function describeCall({ code, details, message }: FailedCall): string {
  const [, namespace] = /^Namespace "?([^\s"]+)"? is not found/.exec(details) ?? [];
  if (namespace !== undefined) return noNamespace(namespace);
  if (code === DEADLINE_EXCEEDED) {
    return 'the Temporal server gave no answer in time; is it overloaded, or the link down?';
  }
  if (code === UNAVAILABLE) return `the Temporal server is away (${details})`;
  return `the Temporal server refused: ${details === '' ? message : details}`;
}

function noNamespace(namespace: string): string {
  return `the Temporal server has no namespace ${namespace}; correct TEMPORAL_NAMESPACE, or create it`;
}

function innermost(error: unknown): unknown {
  let inner = error;
  while (WRAPPERS.some((wrapper) => inner instanceof wrapper)) {
    const { cause } = inner as Error;
    if (cause === undefined) break;
    inner = cause;
  }
  return inner;
}
