import {
  allHandlersFinished,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { NodeLimiterStatus } from '../contract/answers/limiter-answers.js';
import {
  LIMITED,
  type NodeLimits,
  describeLimits,
  namedLimits,
  strictest,
} from '../contract/node-limits.js';
import { node as nodeField } from '../contract/input-fields.js';
import {
  type Ask,
  type Grant,
  type Holder,
  living,
  parseAsk,
  parseHolders,
  requireRoom,
  shareOut,
} from '../contract/share-out.js';
import { object, parse } from '../contract/schema.js';
import { detailsList, escapeMarkdown } from './details.js';
import { limiterStatus, takeShare } from './message-definitions.js';
import { asInputFailure } from './workflow-failure.js';

/**
 * A share costs five events. Workers cache no workflows, so each share replays the whole history, while a process
 * waits for it.
 */
const LONG_HISTORY = 150;
/** Nobody has a share for so long: the next process that wants one begins the workflow again. */
const LINGER_MS = 30_000;
/** The Temporal UI shows so many holders. */
const MOST_SHOWN = 50;

const limiterInput = object({ node: nodeField });

/**
 * Shares out what a node may be asked for among the worker processes that ask it, whatever they work for. `holders`
 * is what a run hands to the next one. Ends when nobody has a share any more.
 */
export async function limitNode(input: { node: string }, handed?: Holder[]): Promise<void> {
  const { node } = asInputFailure(() => parse(limiterInput, input));
  let holders = asInputFailure(() => parseHolders(handed ?? []));
  const show = () => setCurrentDetails(describe(node, holders));
  const answer = (raw: Ask): Grant => {
    const shared = shareOut(holders, parseAsk(raw), Date.now());
    holders = shared.holders;
    show();
    return shared.grant;
  };
  setHandler(takeShare, answer, {
    description: 'A worker process asks what it may use of the node, and says what it holds.',
    validator: (raw) => requireRoom(holders, parseAsk(raw), Date.now()),
  });
  setHandler(limiterStatus, () => statusOf(node, living(holders, Date.now())), {
    description: 'The limits of the node, and who holds how much of them.',
  });
  show();
  const isLong = () => {
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    return historyLength > LONG_HISTORY || continueAsNewSuggested;
  };
  for (;;) {
    const last = Math.max(Date.now(), ...holders.map(({ until }) => until));
    const long = await condition(isLong, last - Date.now() + LINGER_MS);
    holders = living(holders, Date.now());
    if (!long && holders.length > 0) continue;
    await condition(allHandlersFinished);
    if (!long) return;
    await continueAsNew<typeof limitNode>({ node }, holders);
  }
}

function statusOf(node: string, holders: readonly Holder[]): NodeLimiterStatus {
  const limits = strictest(holders.map((one) => one.limits));
  const held: NodeLimits = {};
  for (const name of LIMITED) {
    if (limits[name] === undefined) continue;
    held[name] = holders.reduce((sum, { holds }) => sum + (holds[name] ?? 0), 0);
  }
  return {
    node,
    limits: namedLimits(limits),
    held: namedLimits(held),
    holders: holders.map(({ holder, holds, wants, until }) => {
      return { process: holder, ...namedLimits(holds), wants_streams: wants.streams, until };
    }),
  };
}

function describe(node: string, holders: readonly Holder[]): string {
  const limits = strictest(holders.map((one) => one.limits));
  return detailsList(
    ['node', escapeMarkdown(node)],
    ['limits', describeLimits(namedLimits(limits)) || 'none, because nobody works with it'],
    ['processes', holders.length],
    ...holders.slice(0, MOST_SHOWN).map(({ holder, holds }): [string, string] => {
      return [escapeMarkdown(holder), describeLimits(namedLimits(holds)) || 'no limit'];
    }),
  );
}
