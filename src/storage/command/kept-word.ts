import { setTimeout as sleep } from 'node:timers/promises';
import type { Call } from '../backend.js';
import { METADATA } from '../handles.js';
import type { Adapter } from './adapter.js';

/** Pauses between looks for what a command has done: a store may show it late. */
const PAUSES_MS = [0, 500, 1000, 2000, 4000, 8000];

/**
 * Looks whether commands do what they report, until each was once seen to do so: a wrong path is wrong from the first
 * time on, and a look costs a command.
 */
export class KeptWord {
  private readonly kept = new Set<'listing' | 'move'>();

  constructor(private readonly adapter: Adapter) {}

  /**
   * A backup whose metadata file no listing shows is none, neither for us nor for the stock tool.
   * @throws StorageError STORAGE_UNFIT
   */
  async requireListed(name: string, listed: () => Promise<string[]>, call: Call): Promise<void> {
    if (await this.holds('listing', async () => (await listed()).includes(name), call)) return;
    const what = `list_metadata_files does not show ${METADATA}/${name}, which save_metadata_line stored`;
    const todo = 'check the path that it lists';
    throw this.adapter.error('STORAGE_UNFIT', { FILE_NAME: name }, what, { todo });
  }

  /** @throws StorageError STORAGE_UNFIT when a metadata file that was moved away is still listed */
  async requireMoved(name: string, listed: () => Promise<string[]>, call: Call): Promise<void> {
    if (await this.holds('move', async () => !(await listed()).includes(name), call)) return;
    const what = `backup_metadata_file reported success for ${METADATA}/${name}, but list_metadata_files still shows it`;
    const todo = 'make the command move it, or fail';
    throw this.adapter.error('STORAGE_UNFIT', { FILE_NAME: name }, what, { todo });
  }

  private async holds(word: 'listing' | 'move', look: () => Promise<boolean>, call: Call) {
    for (const pause of PAUSES_MS) {
      if (this.kept.has(word)) return true;
      await sleep(pause, undefined, { signal: call.signal });
      call.progress();
      if (await look()) this.kept.add(word);
    }
    return this.kept.has(word);
  }
}
