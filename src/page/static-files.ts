import { readFileSync } from 'node:fs';

const WEB = new URL('web/', import.meta.url);
const TYPES = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};
const NAME = /^[a-z][a-z-]*\.(html|css|js|svg)$/;

/** Nothing runs and nothing is loaded that does not come from this server. */
export const PAGE_HEADERS = {
  'content-security-policy': [
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'",
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** A file of the page with its type; undefined when there is none of this name. It is read at each call. */
export function pageFile(name: string): { type: string; body: Buffer } | undefined {
  const ending = NAME.exec(name)?.[1] as keyof typeof TYPES | undefined;
  if (ending === undefined) return undefined;
  try {
    return { type: TYPES[ending], body: readFileSync(new URL(name, WEB)) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
