import type { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../plan/search-attributes.js';
import { TemporalError, reasonOf } from './errors.js';

/** By these, operators filter backups in the web UI and with `temporal workflow list`. */
export const SEARCH_ATTRIBUTE_NAMES: readonly string[] = SEARCH_ATTRIBUTES.map(({ name }) => name);

/** Keyword, in the numbering of the Temporal API. */
const KEYWORD = 2;

/**
 * Makes sure that a namespace has our search attributes; a workflow that sets an unknown one is
 * refused. Adding is an operator's right, so where it is denied the error says what to run.
 * @throws TemporalError TEMPORAL_SEARCH_ATTRIBUTES
 */
export async function ensureSearchAttributes(
  connection: Pick<Connection, 'operatorService'>,
  namespace: string,
): Promise<void> {
  const known = await connection.operatorService
    .listSearchAttributes({ namespace })
    .then((answer) => answer.customAttributes ?? {})
    .catch((error: unknown) => {
      throw notAllowed(namespace, SEARCH_ATTRIBUTE_NAMES, error);
    });
  const wrong = SEARCH_ATTRIBUTE_NAMES.filter(
    (name) => name in known && Number(known[name]) !== KEYWORD,
  );
  if (wrong.length > 0) {
    throw new TemporalError(
      'TEMPORAL_SEARCH_ATTRIBUTES',
      `namespace ${namespace} has ${wrong.join(', ')} as a search attribute of another type; it must be Keyword`,
    );
  }
  const missing = SEARCH_ATTRIBUTE_NAMES.filter((name) => !(name in known));
  if (missing.length === 0) return;
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
    });
  } catch (error) {
    const ALREADY_EXISTS = 6; // another process was faster
    if ((error as { code?: unknown }).code === ALREADY_EXISTS) return;
    throw notAllowed(namespace, missing, error);
  }
}

function notAllowed(namespace: string, names: readonly string[], cause: unknown): TemporalError {
  const flags = names.map((name) => `--name ${name} --type Keyword`).join(' ');
  return new TemporalError(
    'TEMPORAL_SEARCH_ATTRIBUTES',
    `cannot see to the search attributes of namespace ${namespace} (${reasonOf(cause)}); have an operator run: ` +
      `temporal operator search-attribute create --namespace ${namespace} ${flags}`,
  );
}
