import type { NodeView } from './coordinator-memory.js';
import type { CoordinatorStatus } from './answers/coordinator-answers.js';

/**
 * The later of two looks at a node. Each watch knows the age of a version only since its own first look,
 * so the older time counts. The later look may have the lower version: then the node went back, or
 * another one took its place.
 */
export function laterView(one: NodeView | undefined, other: NodeView): NodeView {
  if (!one) return other;
  const [before, later] = isLater(one, other) ? [other, one] : [one, other];
  if (before.node !== later.node) return later;
  return withAge(before, withTold(before, later));
}

/** Of two looks in the same millisecond, that with the higher version is the later one. */
function isLater(one: NodeView, other: NodeView): boolean {
  return one.at === other.at ? BigInt(one.version) > BigInt(other.version) : one.at > other.at;
}

/** What a watch learns only some time after its first look is taken from the watch before it until then. */
function withTold(before: NodeView, later: NodeView): NodeView {
  if (later.tipAt !== undefined) return later; // then it has been told all
  return { ...toldOf(before), ...later };
}

function toldOf({ tipAt, unconfirmedGenesis }: NodeView) {
  return {
    ...(tipAt === undefined ? {} : { tipAt }),
    ...(unconfirmedGenesis === undefined ? {} : { unconfirmedGenesis }),
  };
}

function withAge(before: NodeView, later: NodeView): NodeView {
  if (before.version !== later.version) return later;
  const since = [before.movedAt, later.movedAt].filter((at) => at !== undefined);
  return since.length === 0 ? later : { ...later, movedAt: Math.min(...since) };
}

/**
 * Updates a view with the progress from the later of two looks, and with what that look knows of the tip and of the
 * genesis. Everything else stays, so that known trouble is not lost.
 */
export function withLatest(view: NodeView, other: NodeView | undefined): NodeView {
  const latest = laterView(other, view);
  const { version, ended, at, movedAt } = latest;
  const { tipAt: _tipAt, unconfirmedGenesis: _genesis, ...known } = view;
  const since = movedAt === undefined ? {} : { movedAt };
  return { ...known, version, ended, at, ...since, ...toldOf(latest) };
}

/** A view without the genesis that a trusted waypoint confirms by now. */
export function withoutConfirmed(
  view: NodeView,
  { trustWaypoints }: { trustWaypoints: readonly string[] },
): NodeView {
  const { unconfirmedGenesis, ...rest } = view;
  return trustWaypoints.includes(unconfirmedGenesis ?? '') ? rest : view;
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
