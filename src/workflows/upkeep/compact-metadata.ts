import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { UpkeepActivities } from '../../activities/upkeep-activities.js';
import type { Compaction } from '../../contract/answers/compaction-answers.js';
import { type CompactionInput, parseCompactionInput } from '../../contract/compaction-input.js';
import { BACKUP_TYPE } from '../../contract/search-attributes.js';
import { upkeepOptions } from '../activity-options.js';
import { detailsList, escapeMarkdown } from '../details.js';
import { Attributes, storageAttribute } from '../known-attributes.js';
import { asInputFailure, asWorkflowFailure } from '../workflow-failure.js';

const { compactMetadata: compactNow } = proxyActivities<UpkeepActivities>(upkeepOptions);

/**
 * Puts the lines of many metadata files into few, and moves away what was replaced long enough ago. It is one activity,
 * because one process at a time may do it: whichever attempt has the lock reads what is there and goes on from that.
 */
export async function compactMetadata(input: CompactionInput): Promise<Compaction> {
  const order = asInputFailure(() => parseCompactionInput(input));
  new Attributes({ key: BACKUP_TYPE, value: 'compact' }, storageAttribute(order.storage));
  try {
    const done = await compactNow(order);
    setCurrentDetails(describe(done));
    return done;
  } catch (error) {
    throw asWorkflowFailure(error);
  }
}

function describe(done: Compaction): string {
  return detailsList(
    ['storage', escapeMarkdown(done.storage)],
    ['files', `${done.files_before} before, ${done.files_after} after`],
    ['written', done.written],
    ['moved', done.moved],
    ['waiting', done.waiting],
    ['left alone', done.left_alone_count],
  );
}
