import type { CoordinatorMemory } from '../../plan/coordinator.js';
import { spans } from '../../plan/decide.js';
import { STREAMS } from '../../plan/coordinator.js';
import { targetKey } from '../../plan/job.js';
import { holesUpTo } from '../../plan/spans.js';
import { clear, noteLies, raise } from './bookkeeping.js';
import { pruneEdgeOf } from './prune-edge.js';

/** Share of what a node keeps that may pass before a stream's distance to its prune edge is told. */
const MARGIN = 0.5;
/** A node that could not be asked for so long counts as one that has nothing. */
const UNASKED_MS = 60 * 60_000;

/** Raises and clears the alarms that follow from what is known now. */
export function refreshAlarms(memory: CoordinatorMemory, now: number): void {
  const tell = (code: string, text: string | undefined) => {
    if (text === undefined) clear(memory, code);
    else raise(memory, code, text, now);
  };
  tell('NODE', memory.node?.problem);
  tell('DAMAGED', damaged(memory));
  tell('LOST', lost(memory, now));
  noteLies(memory, undefined, now);
  const { length: nodes } = memory.settings.nodes;
  const all = nodes > 1 && memory.lies?.length === nodes;
  tell('NODE_LIED', all ? undefined : lied(memory));
  tell('ALL_NODES_LIED', all ? lied(memory) : undefined);
  tell('PRUNE_EDGE', nearEdge(memory));
  for (const stream of STREAMS) {
    const [first] = memory.streams[stream].failed;
    const what =
      first && `${targetKey(first.target)} failed ${first.attempts} times: ${first.reason}`;
    tell(`FAILED_${stream}`, what);
  }
}

function damaged({ survey }: CoordinatorMemory): string | undefined {
  const first = survey?.damaged[0];
  if (!survey || !first) return undefined;
  return `${survey.damagedCount} metadata line(s) cannot be used, first ${first.object}: ${first.why}`;
}

/** Which nodes sent what fails its proof, what and when. */
function lied({ lies }: CoordinatorMemory): string | undefined {
  return lies
    ?.map(({ node, why, at }) => `${node} at ${new Date(at).toISOString()}: ${why}`)
    .join('; ');
}

/** Versions that are not stored and that the node, with several each of them, has pruned. */
function lost({ survey, node, settings }: CoordinatorMemory, now: number): string | undefined {
  if (!survey || node?.oldestVersion === undefined) return undefined;
  const { unasked } = node;
  if (unasked && now - unasked.since < UNASKED_MS) return undefined;
  const [hole] = holesUpTo(spans(survey.versions), BigInt(node.oldestVersion) - 1n);
  if (!hole) return undefined;
  if (settings.nodes.length > 1) {
    const silent = unasked ? `; ${unasked.nodes.join(', ')} could not be asked` : '';
    return `transactions ${hole.first} to ${hole.last} are not stored and no node has them any more (they have ${node.oldestVersion} and later${silent}); add a node that keeps more`;
  }
  return `transactions ${hole.first} to ${hole.last} are not stored and the node no longer has them (it has ${node.oldestVersion} and later); give it a node that keeps more`;
}

/** What is still to be stored comes near to what the node prunes next. Epoch endings are never pruned. */
function nearEdge(memory: CoordinatorMemory): string | undefined {
  const near = (['transaction', 'state_snapshot'] as const).flatMap((type) => {
    const { edge, missing } = pruneEdgeOf(type, memory) ?? {};
    if (!edge || !missing || edge.versions > edge.window * (1 - MARGIN)) return [];
    const { next, versions, seconds } = edge;
    const what = type === 'transaction' ? 'transaction' : 'the state of epoch';
    const time = seconds === undefined ? '' : ` (about ${(seconds / 3600).toFixed(1)} hours)`;
    return `${what} ${next} is not stored yet and is ${versions} versions${time} from being pruned by the node`;
  });
  return near.join('; ') || undefined;
}
