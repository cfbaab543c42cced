import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';

/** Search attributes of all our workflows; a worker makes sure that the server knows them. */
export const BACKUP_TYPE = defineSearchAttributeKey('BackupType', SearchAttributeType.KEYWORD);
export const NETWORK = defineSearchAttributeKey('Network', SearchAttributeType.KEYWORD);
export const PHASE = defineSearchAttributeKey('Phase', SearchAttributeType.KEYWORD);

export const SEARCH_ATTRIBUTES = [BACKUP_TYPE, NETWORK, PHASE];
