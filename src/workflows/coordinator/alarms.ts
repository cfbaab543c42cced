import type { CoordinatorMemory } from '../../plan/coordinator.js';
import { spans } from '../../plan/decide.js';
import { STREAMS } from '../../plan/coordinator.js';
import { targetKey } from '../../plan/job.js';
import { holesUpTo } from '../../plan/spans.js';
import { clear, raise } from './bookkeeping.js';

/** Share of what a node keeps that may pass before a stream's distance to its prune edge is told. */
const MARGIN = 0.5;

/** Raises and clears the alarms that follow from what is known now. */
export function refreshAlarms(memory: CoordinatorMemory, now: number): void {
  const tell = (code: string, text: string | undefined) => {
    if (text === undefined) clear(memory, code);
    else raise(memory, code, text, now);
  };
  tell('NODE', memory.node?.problem);
  tell('DAMAGED', damaged(memory));
  tell('LOST', lost(memory));
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

/** Versions that are not stored and that the node has pruned. */
function lost({ survey, node }: CoordinatorMemory): string | undefined {
  if (!survey || node?.oldestVersion === undefined) return undefined;
  const [hole] = holesUpTo(spans(survey.versions), BigInt(node.oldestVersion) - 1n);
  if (!hole) return undefined;
  return `transactions ${hole.first} to ${hole.last} are not stored and the node no longer has them (it has ${node.oldestVersion} and later); give it a node that keeps more`;
}

/** The lowest version that is still to be stored comes near to what the node prunes next. */
function nearEdge({ survey, node }: CoordinatorMemory): string | undefined {
  if (!survey || node?.stateWindow === undefined) return undefined;
  const tip = BigInt(node.version);
  const [hole] = holesUpTo(spans(survey.versions), tip);
  const kept = Number(node.stateWindow);
  if (!hole || kept <= 0) return undefined;
  const behind = Number(tip - hole.first);
  if (behind < kept * MARGIN) return undefined;
  const left = Math.max(0, kept - behind);
  const rate = node.versionsPerSecond;
  const when = rate > 0 ? `, in about ${(left / rate / 3600).toFixed(1)} hours` : '';
  return `transaction ${hole.first} is not stored yet and is ${left} versions from being pruned by the node${when}`;
}
