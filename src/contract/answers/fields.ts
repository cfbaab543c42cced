import * as v from 'valibot';
import { u64Text } from '../shape.js';

/**
 * The parts of the schemas of answers. An answer is JSON that people read: the status, result or memo of a workflow,
 * the `--json` output of a command, a health page. All its names are snake_case. docs/reference.md is generated from
 * these schemas.
 */

/** A field that is always there. */
export function field<S extends v.GenericSchema>(schema: S, meaning: string) {
  return v.pipe(schema, v.description(meaning));
}

/** A field that may be absent. */
export function maybe<S extends v.GenericSchema>(schema: S, meaning: string) {
  return v.optional(v.pipe(schema, v.description(meaning)));
}

/** A run of epochs or versions, both ends inclusive. */
export const run = v.object({
  first: field(u64Text, 'first epoch or version'),
  last: field(u64Text, 'last epoch or version'),
});

export const isoTime = v.pipe(v.string(), v.title('ISO time'));
export const number = v.number();
export const yes = v.literal(true);
