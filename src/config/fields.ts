import { type Node, type YAMLMap, isNode, isScalar } from 'yaml';
import * as v from 'valibot';
import { sentence } from '../contract/schema.js';
import { didYouMean } from '../lib/nearest.js';
import type { YamlText } from './yaml-text.js';

/** A field of a map in the file. */
export interface Field {
  name: string;
  key: Node;
  value: Node | undefined;
}

/** What has such a name is a secret, and has no place in the file. */
const SECRET = /key|secret|token|passw|credential/i;

export function fieldsOf(map: YAMLMap): Field[] {
  return map.items.map(({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : 'a field whose name is no text';
    return { name, key: key as Node, value: isNode(value) ? value : undefined };
  });
}

export function isNothing(value: Node | undefined): boolean {
  return value === undefined || (isScalar(value) && value.value === null);
}

export function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

/** The value of a field, if it fits. If not, notes each problem at its own place. */
export function checked(
  yaml: YamlText,
  name: string,
  schema: v.GenericSchema,
  { key, value }: Field,
): unknown {
  if (value === undefined || isNothing(value)) {
    yaml.add(offsetOf(key), `${name} has no value: write one, or remove the line`);
    return undefined;
  }
  const raw = yaml.valueOf(value);
  const { success, issues } = v.safeParse(schema, raw);
  if (success) return raw;
  for (const { path: steps = [], message } of issues) {
    let [at, label] = [value, name];
    for (const { key: step } of steps) {
      const below: unknown = 'get' in at ? (at as YAMLMap).get(step, true) : undefined;
      if (isNode(below)) at = below;
      label += typeof step === 'number' ? `[${step}]` : `.${String(step)}`;
    }
    yaml.add(offsetOf(at), sentence(label, message));
  }
  return undefined;
}

/** Says that a field is not known. `all`: the names of all that are, in full. */
export function unknownField(name: string, known: readonly string[], all = known): string {
  const last = lastOf(name);
  const twin = all.find((one) => one !== name && lastOf(one) === last);
  const meant = twin === undefined ? didYouMean(name, known) : `, did you mean "${twin}"?`;
  const what = `unknown field "${name}"`;
  if (meant !== '') return `${what}${meant}`;
  if (SECRET.test(last)) {
    return `${what}; secrets do not belong into this file: give them in the environment`;
  }
  return `${what}; known are ${known.join(', ')}`;
}

function lastOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
