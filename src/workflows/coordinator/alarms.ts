import type { CoordinatorMemory, NodeView } from '../../plan/coordinator.js';
import { spans } from '../../plan/decide.js';
import { STREAMS } from '../../plan/coordinator.js';
import { targetKey } from '../../plan/job.js';
import { holesUpTo, unionOf } from '../../plan/spans.js';
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

/** What is still to be stored comes near to what the node prunes next. Epoch endings are never pruned. */
function nearEdge(memory: CoordinatorMemory): string | undefined {
  const edges = [transactionEdge(memory), snapshotEdge(memory)];
  return edges.filter((edge) => edge !== undefined).join('; ') || undefined;
}

function transactionEdge({ survey, node }: CoordinatorMemory): string | undefined {
  if (!survey || node?.ledgerWindow === undefined) return undefined;
  const tip = BigInt(node.version);
  const stored = spans(survey.versions);
  // What is pruned already is told as lost.
  const pruned = { first: 0n, last: BigInt(node.oldestVersion ?? 0) - 1n };
  const [hole] = holesUpTo(unionOf([...stored, pruned]), tip);
  if (!hole) return undefined;
  const left = Number(hole.first) + Number(node.ledgerWindow) - Number(tip);
  if (left > Number(node.ledgerWindow) * (1 - MARGIN)) return undefined;
  return `transaction ${hole.first} is not stored yet and is ${inVersions(left, node)} from being pruned by the node`;
}

function snapshotEdge({ survey, node }: CoordinatorMemory): string | undefined {
  if (!node?.snapshotLeft || node.stateWindow === undefined) return undefined;
  const { epoch, versions } = node.snapshotLeft;
  if (survey?.snapshots.includes(epoch)) return undefined;
  if (Number(versions) > Number(node.stateWindow) * (1 - MARGIN)) return undefined;
  return `the state of epoch ${epoch} is not stored yet and is ${inVersions(Number(versions), node)} from being pruned by the node`;
}

function inVersions(versions: number, { versionsPerSecond: rate }: NodeView): string {
  const left = Math.max(0, versions);
  return `${left} versions${rate > 0 ? ` (about ${(left / rate / 3600).toFixed(1)} hours)` : ''}`;
}
