import type { BackupType } from '../../contract/job.js';
import { rulesOf } from '../../contract/kinds/index.js';
import type { StreamEdge } from '../../contract/kinds/prune-edges.js';
import type { Known } from '../../contract/known.js';

/** What a stream stores next, and how far the node is from pruning it. Undefined while the node prunes nothing of the stream, or too little is known. */
export function pruneEdgeOf(type: BackupType, { survey, node }: Known): StreamEdge | undefined {
  return survey && node && rulesOf(type).pruneEdge(survey, node);
}
