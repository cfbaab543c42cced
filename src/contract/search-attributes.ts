import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';

/** Search attributes of all our workflows. Each worker registers them with the server. */
export const BACKUP_TYPE = defineSearchAttributeKey('BackupType', SearchAttributeType.KEYWORD);
export const NETWORK = defineSearchAttributeKey('Network', SearchAttributeType.KEYWORD);
export const PHASE = defineSearchAttributeKey('Phase', SearchAttributeType.KEYWORD);
/** The readable name of the storage. */
export const STORAGE = defineSearchAttributeKey('Storage', SearchAttributeType.KEYWORD);

export const SEARCH_ATTRIBUTES = [BACKUP_TYPE, NETWORK, PHASE, STORAGE];
