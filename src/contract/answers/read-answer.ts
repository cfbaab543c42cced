import * as v from 'valibot';

/** A worker of another version gave an answer that this version cannot read. */
export class UnknownAnswerError extends Error {
  override readonly name = 'UnknownAnswerError';
}

/**
 * Checks an answer of a workflow, which a worker of another version may have given. Drops unknown fields. @throws
 * UnknownAnswerError that names the workflow and the field
 */
export function readAnswer<S extends v.GenericSchema>(
  schema: S,
  raw: unknown,
  workflowId: string,
): v.InferOutput<S> {
  const { success, output, issues } = v.safeParse(schema, raw);
  if (success) return output;
  const field = v.getDotPath(issues[0]) ?? 'the whole answer';
  throw new UnknownAnswerError(
    `${workflowId} gives an answer that this version cannot read (${field}): its worker has another version; use one version for workers and commands`,
  );
}
