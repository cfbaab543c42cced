import type { NodeView } from './coordinator-memory.js';
import type { CoordinatorStatus } from './answers/coordinator-answers.js';

/**
 * The later of two looks at a node. Each watch knows the age of a version only since its own first look,
 * so the older time counts. The later look may have the lower version: then the node went back, or
 * another one took its place.
 */
export function laterView(one: NodeView | undefined, other: NodeView): NodeView {
  if (!one) return other;
  const [before, later] = one.at > other.at ? [other, one] : [one, other];
  if (before.version !== later.version || before.node !== later.node) return later;
  const since = [before.movedAt, later.movedAt].filter((at) => at !== undefined);
  return since.length === 0 ? later : { ...later, movedAt: Math.min(...since) };
}

/**
 * Updates a view with the progress from the later of two looks. Everything else stays, so that known
 * trouble is not lost.
 */
export function withLatest(view: NodeView, other: NodeView | undefined): NodeView {
  const { version, ended, at, movedAt } = laterView(other, view);
  return { ...view, version, ended, at, ...(movedAt === undefined ? {} : { movedAt }) };
}

const iso = (ms: number) => new Date(ms).toISOString();
const isoOf = (ms: number | undefined) => (ms === undefined ? undefined : iso(ms));

/** A view as a status tells it. */
export function seenOf(view: NodeView): NonNullable<CoordinatorStatus['seen']> {
  const { ended, version, at, movedAt, tipAt, unconfirmedGenesis, oldestVersion, node } = view;
  return {
    ended_epochs: ended,
    version,
    at: iso(at),
    version_since: isoOf(movedAt),
    tip_at: isoOf(tipAt),
    unconfirmed_genesis: unconfirmedGenesis,
    oldest_version: oldestVersion,
    node,
  };
}
