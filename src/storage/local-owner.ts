import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Among whom process ids can be judged: one name for each boot of a host and, in it, each space of
 * process ids. Containers may share the name of their host, and do not see each other's processes.
 */
export const OWNER = createHash('sha256')
  .update(
    [
      hostname(),
      ifThere(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
      ifThere(() => readlinkSync('/proc/self/ns/pid')),
    ].join('\n'),
  )
  .digest('hex')
  .slice(0, 8);

/** Only Linux has them. */
function ifThere(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
