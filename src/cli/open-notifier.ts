import { hostname } from 'node:os';
import { coordinatorId } from '../client/live-status.js';
import type { StorageConfig } from '../contract/job.js';
import { storageName } from '../contract/storage-name.js';
import { dataFolder } from '../lib/host/data-folder.js';
import type { About } from '../notify/message.js';
import { Notifier } from '../notify/notifier.js';
import { type NotifyFlags, notifySettings } from '../notify/settings.js';
import { stateFileOf } from '../notify/state-file.js';
import { waysOf } from '../notify/ways.js';
import type { CommonFlags } from './options.js';

/** What notifications of a storage are about. `page`: the URL at which this process serves its page. */
export function aboutStorage(storage: StorageConfig, page?: string): Required<About> {
  return {
    storage: storageName(storage),
    workflowId: coordinatorId(storage),
    host: hostname(),
    // Nobody else finds the page at the address of every network.
    page: page?.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:|$)/, `//${hostname()}`),
  };
}

/** Begins to look for what is to be told, if flags or environment name a way. @throws UsageError */
export function openNotifier(
  flags: NotifyFlags & CommonFlags,
  storage: StorageConfig,
  { page, say }: { page: string | undefined; say: (line: string) => void },
): Notifier | undefined {
  const settings = notifySettings(flags, process.env);
  if (!settings) return undefined;
  const ways = waysOf(settings);
  const about = aboutStorage(storage, page);
  const names = ways.map(({ name, to }) => `${name} (${to})`).join(' and ');
  say(`Notifications: by ${names}`);
  const file = stateFileOf(dataFolder(flags.dataDir), about.workflowId);
  return new Notifier({ ways, patience: settings, about, file, say });
}
