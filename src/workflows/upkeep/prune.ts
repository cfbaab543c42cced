import {
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { GcActivities } from '../../activities/gc-activities.js';
import type { PruneAnswer } from '../../contract/answers/retention-answers.js';
import { failureOf } from '../../contract/failure.js';
import { type PruneInput, parsePruneInput } from '../../contract/retention-input.js';
import { type PruneMemory, parsePruneMemory } from '../../contract/retention-memory.js';
import { BACKUP_TYPE } from '../../contract/search-attributes.js';
import { controlOptions } from '../activity-options.js';
import { detailsList, storageText } from '../details.js';
import { Attributes, storageAttribute } from '../known-attributes.js';
import { asInputFailure, asWorkflowFailure } from '../workflow-failure.js';

const { planPrune, retirePage } = proxyActivities<GcActivities>(controlOptions);

const LONG_HISTORY = 600;

/**
 * Retires what the keep rules give up: the metadata of these backups goes, the data stays until gc removes it. It plans
 * first, and fails with PRUNE_REFUSED when the stock tool could restore less afterwards and the input does not force
 * it. Then it retires page by page; after a kill it goes on with what is not retired yet.
 */
export async function pruneBackups(input: PruneInput, memory?: PruneMemory): Promise<PruneAnswer> {
  const order = asInputFailure(() => parsePruneInput(input));
  const begun = asInputFailure(() => parsePruneMemory(memory ?? undefined));
  new Attributes({ key: BACKUP_TYPE, value: 'prune' }, storageAttribute(order.storage));
  const show = (now?: PruneMemory) => {
    const backups = now && `${now.count} of ${now.plan.retired_count} backups`;
    const storage = storageText(order.storage);
    setCurrentDetails(detailsList(['storage', storage], ['retired', backups]));
  };
  show(begun); // a new run begins without details
  let retired: PruneMemory;
  try {
    retired = begun ?? { plan: await planPrune(order), count: 0, bytes: 0 };
    const [lost] = retired.plan.would_lose;
    if (lost && !order.force) {
      const why = `without these backups the stock tool could no longer restore versions ${lost.first} to ${lost.last}; nothing was retired`;
      throw failureOf('PRUNE_REFUSED', why, { details: [retired.plan] });
    }
    do {
      const { count, bytes, more, denied } = await retirePage(order);
      retired = { ...retired, count: retired.count + count, bytes: retired.bytes + bytes };
      show(retired);
      if (!more) return { ...answerOf(retired), ...(denied ? { denied } : {}) };
    } while (workflowInfo().historyLength <= LONG_HISTORY);
  } catch (error) {
    throw asWorkflowFailure(error);
  }
  return continueAsNew<typeof pruneBackups>(input, retired);
}

/** What really was retired: another backup may have been pinned or committed since the plan. */
function answerOf({ plan, count, bytes }: PruneMemory): PruneAnswer {
  return { ...plan, done: true, retired_count: count, retired_bytes: bytes };
}
