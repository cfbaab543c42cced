import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.js';
import { reasonOf } from './temporal-error.js';

/** Operators use these to filter backups in the web UI and with `temporal workflow list`. */
export const SEARCH_ATTRIBUTE_NAMES: readonly string[] = SEARCH_ATTRIBUTES.map(({ name }) => name);

/** The type Keyword, by its number in the Temporal API. */
const KEYWORD = 2;
/** Status codes of gRPC. */
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
/** DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE: a retry may succeed. */
const PASSING = [4, 8, 14];
const TRIES = 5;
const TRY_AGAIN_MS = 1_000;

/** The search attributes that can be used. `without`: which are missing, why, and what to do about it. */
export interface UsableAttributes {
  names: string[];
  without?: string;
}

/**
 * Adds our search attributes to a namespace, as many as it accepts. The namespace may have no room for them, or
 * we may lack the permission. Nothing depends on the attributes, so that is never an error.
 * @throws Error when there is no such namespace
 */
export async function ensureSearchAttributes(
  { operatorService }: Pick<Connection, 'operatorService'>,
  namespace: string,
): Promise<UsableAttributes> {
  let known: Record<string, unknown>;
  try {
    const answer = await withRetries(() => operatorService.listSearchAttributes({ namespace }));
    known = answer.customAttributes ?? {};
  } catch (error) {
    if (codeOf(error) === NOT_FOUND) throw error;
    return { names: [], without: describe(namespace, SEARCH_ATTRIBUTE_NAMES, reasonOf(error)) };
  }
  const names: string[] = [];
  const missing: string[] = [];
  let why = '';
  for (const name of SEARCH_ATTRIBUTE_NAMES) {
    try {
      if (!(name in known)) {
        // One at a time: there may be room for some of them.
        const searchAttributes = { [name]: KEYWORD };
        await withRetries(() =>
          operatorService.addSearchAttributes({ namespace, searchAttributes }),
        );
      } else if (Number(known[name]) !== KEYWORD) {
        throw new Error(
          `${name} is there with another type than Keyword, and must be removed first`,
        );
      }
      names.push(name);
    } catch (error) {
      missing.push(name);
      why ||= reasonOf(error);
    }
  }
  if (missing.length === 0) return { names };
  return { names, without: describe(namespace, missing, why) };
}

/** Retries errors that may pass. `ALREADY_EXISTS` is success: another process has just added the attribute. */
async function withRetries<T>(ask: () => Promise<T>): Promise<T | Record<string, never>> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      const code = codeOf(error);
      if (code === ALREADY_EXISTS) return {};
      if (!PASSING.includes(code) || tries === TRIES) throw error;
      await sleep(TRY_AGAIN_MS);
    }
  }
}

function codeOf(error: unknown): number {
  return Number((error as { code?: unknown }).code);
}

function describe(namespace: string, names: readonly string[], why: string): string {
  const flags = names.map((name) => `--name ${name} --type Keyword`).join(' ');
  return (
    `Working without the search attributes ${names.join(', ')} of namespace ${namespace} (${why}): workflows cannot be ` +
    `filtered by them; all else works. To add them, make room and run: temporal operator search-attribute create ` +
    `--namespace ${namespace} ${flags}; then start the workers again`
  );
}
