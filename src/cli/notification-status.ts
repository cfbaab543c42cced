import type { LiveStatus } from '../contract/answers/shown-answers.js';
import { dataFolder } from '../lib/host/data-folder.js';
import { storedWays } from '../notify/state-file.js';
import type { CommonFlags } from './options.js';

/** Adds to a status how its notifications do, if the process that sends them has the same data folder. */
export function withNotifications(flags: CommonFlags, workflowId: string) {
  return (status: LiveStatus): LiveStatus => {
    const notifications = storedWays(dataFolder(flags.dataDir), workflowId);
    return notifications === undefined ? status : { ...status, notifications };
  };
}
