import { decodeLedgerInfoWithSignatures, readRecords } from '../aptos/index.js';
import type { NodeClient } from '../node/client.js';
import { NodeError } from '../node/node-error.js';
import { BackupError } from '../errors/backup-error.js';
import type { Site } from './site.js';

/**
 * Finds out what a node has pruned. A node never says it: pruned data fails like all data that it cannot read.
 * So we ask for data and see what fails. A busy node sometimes refuses data that it has; therefore the client
 * tries several times before it reports a refusal (node/retry.ts).
 */

/** A node that fails at random has no edge, so the search ends after this many rounds. */
const SEARCHES = 3;

/** Whether the node still has a transaction of its past. @throws errors other than a refusal */
export async function hasTransaction(node: NodeClient, version: bigint, signal?: AbortSignal) {
  return (await refusalOf(askTransaction(node, version, signal))) === undefined;
}

/** Whether the node still has the state at `version`, where an epoch ended. @throws errors other than a refusal */
export async function hasState(node: NodeClient, version: bigint, signal?: AbortSignal) {
  return (await refusalOf(askState(node, version, signal))) === undefined;
}

/**
 * Why the node does not give a transaction of its past; undefined when it gives it. If the node gives its newest
 * transaction, the answer is BackupError NODE_PRUNED. If it refuses that as well, it fails on everything, and the
 * answer is the refusal. @throws errors other than a refusal
 */
export async function lackOfTransaction(node: NodeClient, version: bigint, signal?: AbortSignal) {
  return lackOf(askTransaction(node, version, signal), async () => {
    const tip = (await node.dbState(signal))?.committedVersion;
    return tip === undefined || tip <= version ? undefined : askTransaction(node, tip, signal);
  });
}

/** The same for the state at the end of an epoch. It is compared with the state at the newest epoch ending. */
export async function lackOfState(node: NodeClient, version: bigint, signal?: AbortSignal) {
  return lackOf(askState(node, version, signal), async () => {
    const epoch = (await node.dbState(signal))?.epoch ?? 0n;
    if (epoch === 0n) return undefined;
    for await (const record of readRecords(node.epochEndings(epoch - 1n, epoch, signal))) {
      const newest = decodeLedgerInfoWithSignatures(record).ledgerInfo.version;
      if (newest > version) return askState(node, newest, signal);
    }
    return undefined;
  });
}

/** The oldest version from `from` to `tip` that the node has; undefined when it does not have `tip` either. */
export async function oldestTransaction(
  site: Site,
  from: bigint,
  tip: bigint,
  signal?: AbortSignal,
): Promise<bigint | undefined> {
  return lowest(from, tip, (version) => hasTransaction(site.node, version, signal));
}

/** The oldest epoch from `from` to `newest` whose last state the node has; undefined when it has none. */
export async function oldestState(
  site: Site,
  from: bigint,
  newest: bigint,
  signal?: AbortSignal,
): Promise<bigint | undefined> {
  return lowest(from, newest, async (epoch) => {
    const { version } = await site.history.ending(epoch, signal);
    return hasState(site.node, version, signal);
  });
}

/** A request to a node, and the name of the data for messages. */
interface Question {
  what: string;
  ask: () => Promise<unknown>;
}

function askTransaction(node: NodeClient, version: bigint, signal?: AbortSignal): Question {
  return {
    what: `transaction ${version}`,
    async ask() {
      for await (const bytes of node.transactions(version, 1n, signal)) void bytes;
    },
  };
}

function askState(node: NodeClient, version: bigint, signal?: AbortSignal): Question {
  return {
    what: `the state at version ${version}`,
    ask: () => node.stateItemCount(version, signal),
  };
}

/** `newest` returns a question about the newest data of the same kind; undefined when nothing is newer. */
async function lackOf(
  asked: Question,
  newest: () => Promise<Question | undefined>,
): Promise<BackupError | NodeError | undefined> {
  const refusal = await refusalOf(asked);
  if (!refusal) return undefined;
  const other = await newest();
  if (!other) return refusal;
  if (await refusalOf(other)) {
    return refusal.saying(`; it refuses ${other.what} as well, which is not pruned`);
  }
  // The node answers. The first refusal may have been a passing failure, so we ask once more.
  const again = await refusalOf(asked);
  if (!again) return undefined;
  const why = `the node no longer has ${asked.what}, but has ${other.what}; ask a node that keeps more. Its last refusal: ${again.message}`;
  return new BackupError('NODE_PRUNED', why, { cause: again });
}

/**
 * The lowest number that is there, by binary search; everything above it must be there too. A busy node may have
 * refused a number that it has. So the number below the result is asked for once more, and if it is there, the
 * search is made again.
 */
async function lowest(
  from: bigint,
  to: bigint,
  isThere: (at: bigint) => Promise<boolean>,
): Promise<bigint | undefined> {
  if (await isThere(from)) return from;
  if (from >= to || !(await isThere(to))) return undefined;
  for (let search = 0; search < SEARCHES; search += 1) {
    let missing = from;
    let there = to;
    while (there - missing > 1n) {
      const middle = (missing + there) / 2n;
      if (await isThere(middle)) there = middle;
      else missing = middle;
    }
    if (!(await isThere(missing))) return there;
  }
  return from;
}

async function refusalOf({ ask }: Question): Promise<NodeError | undefined> {
  try {
    await ask();
    return undefined;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return error;
  }
}

/** Whether the service itself refused (docs/formats.md, Backup service). Other errors come from a proxy or the link. */
function isRefusal(error: unknown): error is NodeError {
  if (!(error instanceof NodeError)) return false;
  return error.code === 'NODE_ABORTED_BEFORE_FIRST_RECORD' || error.status === 500;
}
