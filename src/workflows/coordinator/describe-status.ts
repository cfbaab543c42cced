import type {
  CoordinatorStatus,
  StreamStatus,
} from '../../contract/answers/coordinator-answers.js';
import type { KeptCopy } from '../../contract/answers/copy-answers.js';
import { describeLimits } from '../../contract/node-limits.js';
import { shorten } from '../../lib/shorten.js';
import { detailsList, escapeMarkdown, workflowLink } from '../details.js';

/** Length to which an error is cut. */
const SHORT = 120;

/** The status for the Temporal UI's Current Details. */
export function describeStatus(status: CoordinatorStatus): string {
  const { nodes, storage, copy, node_limits: limits } = status;
  const streams = Object.entries(status.streams).flatMap(([name, stream]) => [
    `**${escapeMarkdown(name)}**`,
    describeStream(stream),
  ]);
  const alarms = status.alarms.map((a) => `- **${a.code}** ${escapeMarkdown(a.text)}`);
  return [
    `**${status.phase}**: ${escapeMarkdown(nodes.join(', '))} to ${escapeMarkdown(storage)}`,
    ...(limits ? [`limits of a node: ${describeLimits(limits)}`] : []),
    ...streams,
    ...(copy ? ['**copy**', describeCopy(copy)] : []),
    alarms.join('\n'),
  ].join('\n\n');
}

function describeStream(s: StreamStatus): string {
  const { current, last_error: error, prune_edge: edge, quarantined } = s;
  const again = current && current.attempts > 1 ? ` (attempt ${current.attempts})` : '';
  const why = error && shorten(`${error.code}: ${error.reason}`, SHORT);
  return detailsList(
    ['newest', s.newest],
    ['behind', s.lag],
    ['last commit', s.last_commit?.at],
    [
      'doing',
      escapeMarkdown(current ? current.target + again : `${s.state}: ${s.waiting_for ?? ''}`),
    ],
    ['workflow', current && workflowLink(current.workflow_id)],
    ['last error', why && escapeMarkdown(why)],
    ['quarantined', quarantined.length > 0 ? escapeMarkdown(quarantined.join(', ')) : undefined],
    ['to the prune edge', edge && `${edge.versions} versions`],
  );
}

function describeCopy(copy: KeptCopy): string {
  const { lag_versions: versions, lag_epochs: epochs, lag_snapshots: snapshots } = copy;
  return detailsList(
    ['to', escapeMarkdown(copy.to)],
    [
      'behind',
      versions && `${versions} versions, ${epochs ?? 0} epochs, ${snapshots ?? 0} snapshots`,
    ],
    ['behind since', copy.behind_since],
    ['running', copy.running ? 'yes' : 'no'],
    ['last copy', copy.outcome && `${copy.outcome}, ${copy.ended_at ?? ''}`],
    ['fails', copy.why && escapeMarkdown(shorten(copy.why, SHORT))],
    ['workflow', copy.workflow_id && workflowLink(copy.workflow_id)],
  );
}
