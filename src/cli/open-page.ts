import { readFileSync } from 'node:fs';
import { UsageError } from '../client/command-failure.js';
import { cannotListen } from './cannot-listen.js';
import { HealthServer } from '../monitor/health-server.js';
import { Page } from '../page/page.js';
import { systemWords } from '../lib/host/system-words.js';
import type { WorkerFlags } from './options.js';

const LEAST_TOKEN = 16;
/** A worker takes longer to die twice. */
const LOOK_MS = 1_000;

/** Health and page of a command, where its flags name an address. */
export interface Served {
  health: HealthServer;
  page: Page;
}

/**
 * Starts the server of health and page, if the flags name an address, and says its URL. @throws UsageError, or Error when
 * the address cannot be used now
 */
export async function openPage(
  flags: WorkerFlags,
  say: (line: string) => void,
): Promise<Served | undefined> {
  const token = pageToken(flags, process.env);
  const health = await HealthServer.open(flags, say).catch((error: unknown) => {
    throw cannotListen('--health-address', `${flags.healthAddress}`, error);
  });
  if (!health) return undefined;
  const page = new Page(health, { token, say });
  health.also(page.answer);
  setInterval(() => page.look(), LOOK_MS).unref();
  return { health, page };
}

/** The token that the page must name to control anything, from the flag or the environment. @throws UsageError */
export function pageToken(
  { pageTokenFile }: WorkerFlags,
  env: NodeJS.ProcessEnv,
): string | undefined {
  const [from, text] =
    pageTokenFile === undefined
      ? ['APTOS_BACKUP_PAGE_TOKEN', env['APTOS_BACKUP_PAGE_TOKEN']]
      : [`--page-token-file ${pageTokenFile}`, readToken(pageTokenFile)];
  const token = text?.trim();
  if (token === undefined || (token === '' && pageTokenFile === undefined)) return undefined;
  if (token.length >= LEAST_TOKEN && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new UsageError(
    `${from}: a token has at least ${LEAST_TOKEN} letters, digits or signs and no spaces, as "openssl rand -hex 16" makes it`,
  );
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--page-token-file ${file}: ${systemWords(error, 'read')}`);
  }
}
