import * as v from 'valibot';
import { InputError } from './schema.js';

/**
 * Parses the second argument of a workflow: what one run hands to the next. A first run has none, but anybody may start
 * one with it. `what` names the workflow, like "a copy". @throws InputError
 */
export function parseRunMemory<S extends v.GenericSchema>(
  schema: S,
  what: string,
  raw: unknown,
): v.InferInput<S> | undefined {
  if (raw === undefined) return undefined;
  if (v.is(schema, raw)) return raw;
  throw new InputError(
    `the second argument is only for ${what} that continues itself; start it with one argument`,
  );
}
