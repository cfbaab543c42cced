import { existsSync, renameSync } from 'node:fs';

/** `no such table`: the tables were never created, or they were in a `-wal` file that is lost. */
const DAMAGE = /database disk image is malformed|file is not a database|no such table/;

/** The words in the log of a server that say that its database cannot be read; undefined if there are none. */
export function damageIn(log: string): string | undefined {
  return DAMAGE.exec(log)?.[0];
}

/** Renames a database and its log files. Returns the new path; undefined when there is no database. */
export function putAside(database: string): string | undefined {
  if (!existsSync(database)) return undefined;
  const aside = `${database}.damaged-${new Date().toISOString()}`;
  // The database moves last: a new database must never be opened with the write-ahead log of the old one.
  for (const part of ['-wal', '-shm', '']) {
    if (existsSync(database + part)) renameSync(database + part, aside + part);
  }
  return aside;
}
