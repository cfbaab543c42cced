import {
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { GcActivities } from '../../activities/gc-activities.js';
import type { GcAnswer } from '../../contract/answers/retention-answers.js';
import { type GcInput, parseGcInput } from '../../contract/retention-input.js';
import { type GcMemory, addGc, parseGcMemory } from '../../contract/retention-memory.js';
import { BACKUP_TYPE } from '../../contract/search-attributes.js';
import { storageName } from '../../contract/storage-name.js';
import { controlOptions } from '../activity-options.js';
import { detailsList, storageText } from '../details.js';
import { Attributes, storageAttribute } from '../known-attributes.js';
import { asInputFailure, asWorkflowFailure } from '../workflow-failure.js';

const { removeGarbage } = proxyActivities<GcActivities>(controlOptions);

const LONG_HISTORY = 600;

/**
 * Removes what nobody can need: data of retired backups whose grace is over, attempts that nobody goes on with, and
 * unfinished files. It goes through the folders page by page. After a kill it goes on with the page in hand.
 */
export async function collectGarbage(input: GcInput, memory?: GcMemory): Promise<GcAnswer> {
  const order = asInputFailure(() => parseGcInput(input));
  let state = asInputFailure(() => parseGcMemory(memory ?? undefined));
  new Attributes({ key: BACKUP_TYPE, value: 'gc' }, storageAttribute(order.storage));
  const show = (removed: number) => {
    const storage = storageText(order.storage);
    setCurrentDetails(detailsList(['storage', storage], ['removed', `${removed} folders`]));
  };
  show(state?.found.removed_count ?? 0); // a new run begins without details
  try {
    do {
      const { next, ...page } = await removeGarbage(order, state?.after);
      const found = state ? addGc(state.found, page) : page;
      show(found.removed_count);
      if (next === undefined) return { storage: storageName(order.storage), done: true, ...found };
      state = { after: next, found };
    } while (workflowInfo().historyLength <= LONG_HISTORY);
  } catch (error) {
    throw asWorkflowFailure(error);
  }
  return continueAsNew<typeof collectGarbage>(input, state);
}
