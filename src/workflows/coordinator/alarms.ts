import type { AlarmCode } from '../../errors/codes/alarms-codes.js';
import { STREAMS } from '../../contract/coordinator-state.js';
import { type BackupType, targetKey } from '../../contract/job.js';
import { rulesOf } from '../../contract/kinds/index.js';
import { holesUpTo, spanOf } from '../../lib/spans.js';
import type { Known } from '../../contract/known.js';
import { pruneEdgeOf } from './prune-danger.js';

/** An alarm is raised when the distance to the prune edge falls below this share of what a node keeps. */
const MARGIN = 0.5;
/** A node that gave no answer for this long counts as one that has nothing. */
const UNASKED_MS = 60 * 60_000;

/** The alarms that follow from what is known now. An alarm without a text is over. */
export function alarmsOf(
  known: Known,
  now: number,
): { code: AlarmCode; text: string | undefined }[] {
  const { length: nodes } = known.settings.nodes;
  const all = nodes > 1 && known.lies?.length === nodes;
  return [
    { code: 'NODE', text: problemOf(known) },
    { code: 'DAMAGED', text: damaged(known) },
    { code: 'LOST', text: lost(known, now) },
    { code: 'NODE_LIED', text: all ? undefined : lied(known) },
    { code: 'ALL_NODES_LIED', text: all ? lied(known) : undefined },
    { code: 'PRUNE_EDGE', text: nearEdge(known) },
    ...STREAMS.map((stream) => ({
      code: `FAILED_${stream}` as const,
      text: failed(known, stream),
    })),
  ];
}

/** What the last look found wrong. A watch that failed since then says it better. */
function problemOf({ node, alarms }: Known): string | undefined {
  return alarms.some(({ code }) => code === 'WATCH') ? undefined : node?.problem;
}

function failed({ streams }: Known, stream: BackupType): string | undefined {
  const [first] = streams[stream].failed;
  return first && `${targetKey(first.target)} failed ${first.attempts} times: ${first.reason}`;
}

function damaged({ survey }: Known): string | undefined {
  const first = survey?.damaged[0];
  if (!survey || !first) return undefined;
  return `${survey.damagedCount} metadata line(s) cannot be used, first ${first.object}: ${first.why}`;
}

/** Which nodes sent data that fails its proof, what data, and when. */
function lied({ lies }: Known): string | undefined {
  return lies
    ?.map(({ node, why, at }) => `${node} at ${new Date(at).toISOString()}: ${why}`)
    .join('; ');
}

/** Versions that are not stored and that no node has any more. */
function lost({ survey, node, settings }: Known, now: number): string | undefined {
  if (!survey || node?.oldestVersion === undefined) return undefined;
  const { unasked } = node;
  if (unasked && now - unasked.since < UNASKED_MS) return undefined;
  const [hole] = holesUpTo(survey.versions.map(spanOf), BigInt(node.oldestVersion) - 1n);
  if (!hole) return undefined;
  if (settings.nodes.length > 1) {
    const silent = unasked ? `; ${unasked.nodes.join(', ')} could not be asked` : '';
    return `transactions ${hole.first} to ${hole.last} are not stored and no node has them any more (they have ${node.oldestVersion} and later${silent}); add a node that keeps more`;
  }
  return `transactions ${hole.first} to ${hole.last} are not stored and the node no longer has them (it has ${node.oldestVersion} and later); give it a node that keeps more`;
}

/** Tells when the next data to store will soon be pruned. Nodes never prune epoch endings. */
function nearEdge(known: Known): string | undefined {
  const near = STREAMS.toReversed().flatMap((type) => {
    const { edge, missing } = pruneEdgeOf(type, known) ?? {};
    if (!edge || !missing || edge.versions > edge.window * (1 - MARGIN)) return [];
    const { next, versions, seconds } = edge;
    const what = rulesOf(type).words.next;
    const time = seconds === undefined ? '' : ` (about ${(seconds / 3600).toFixed(1)} hours)`;
    return `${what} ${next} is not stored yet and is ${versions} versions${time} from being pruned by the node`;
  });
  return near.join('; ') || undefined;
}
