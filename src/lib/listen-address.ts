export const MOST_PORT = 65_535;

/** What `[HOST:]PORT` must be, as the end of a sentence. */
export const LISTEN_ADDRESS = `[HOST:]PORT with a port from 0 to ${MOST_PORT}`;

/** The host and port of `[HOST:]PORT`, without a host those of loopback; undefined for anything else. */
export function readListenAddress(text: string): { host: string; port: number } | undefined {
  const match = /^(?:(.+):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > MOST_PORT) return undefined;
  return { host: (match[1] ?? '127.0.0.1').replace(/^\[(.*)\]$/, '$1'), port };
}
