import { existsSync, renameSync } from 'node:fs';

/** The last one: its tables were never made, or were in a `-wal` that is lost. */
const DAMAGE = /database disk image is malformed|file is not a database|no such table/;

/** What a server that ended said of its database, if that cannot be read. */
export function damageIn(log: string): string | undefined {
  return DAMAGE.exec(log)?.[0];
}

/** Moves a database out of the way and returns where it is now; undefined when there is none. */
export function putAside(database: string): string | undefined {
  if (!existsSync(database)) return undefined;
  const aside = `${database}.damaged-${new Date().toISOString()}`;
  // The database last: a new one must never meet the log of another.
  for (const part of ['-wal', '-shm', '']) {
    if (existsSync(database + part)) renameSync(database + part, aside + part);
  }
  return aside;
}
