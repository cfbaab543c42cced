import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Identifies the processes whose ids can be compared: one value for each boot of a host and each space of
 * process ids in it. Containers may share a host name without seeing each other's processes.
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

/** Only Linux has these files. */
function ifThere(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
