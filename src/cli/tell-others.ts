import type { Client } from '@temporalio/client';
import { listFollowed } from '../client/followed.js';
import type { StorageConfig } from '../contract/job.js';
import { storageName } from '../contract/storage-name.js';
import { stopOf } from './hint.js';
import type { CommonFlags } from './options.js';
import { say } from './say.js';

/**
 * Says which other coordinators the workers of this command work for: those that a Ctrl-C left at rest in the same data
 * folder go on, too.
 */
export async function tellOthers(
  client: Client,
  storage: StorageConfig,
  flags: CommonFlags,
): Promise<void> {
  const all = await listFollowed(client, false).catch(() => []); // only told
  const others = all.map((one) => one.storage).filter((name) => name !== storageName(storage));
  if (others.length > 0) say(othersLine(others, flags));
}

export function othersLine(others: readonly string[], flags: CommonFlags): string {
  return `also goes on with: ${others.join(', ')}; to end one: ${stopOf(others[0]!, flags)}`;
}
