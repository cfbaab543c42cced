import { decodeTransactionRangeProof, naming } from '../../aptos/index.js';
import type { NodeView } from '../../contract/coordinator-memory.js';
import type { Site } from '../../site/site.js';

const TIP_MS = 20_000;
/** The last time that a `Date` can hold. */
const MOST_MS = 8_640_000_000_000_000;

/** The newest ledger info of a node, proven. */
export interface Tip {
  version: bigint;
  /** When the chain made it, by the chain's clock; unix milliseconds. Genesis has no time. */
  at?: number;
}

/**
 * Asks a node for its newest ledger info. Undefined when nothing proves it.
 * @throws NodeError, AptosDataError, BackupError
 */
export async function provenTip(site: Site, signal: AbortSignal): Promise<Tip | undefined> {
  const state = await site.node.dbState(signal);
  if (!state) return undefined;
  const { committedVersion: version } = state;
  const bytes = await site.node.transactionRangeProof(version, version, signal);
  const { ledgerInfo: signed } = naming(`the range proof of version ${version}`, () =>
    decodeTransactionRangeProof(bytes),
  );
  const proven = await site.ledgerInfos.prove(signed, version, signal);
  if (proven === 'not yet proven') return undefined;
  const { version: reached, timestampUsecs } = signed.ledgerInfo;
  const at = Number(timestampUsecs / 1000n);
  return { version: reached, ...(at > 0 && at <= MOST_MS ? { at } : {}) };
}

type Told = Pick<NodeView, 'tipAt' | 'unconfirmedGenesis'>;

/**
 * Tracks how old the tip of the watched node is, and whether something confirms the chain's genesis. Both
 * need the whole epoch history. The first fetch may take long, so nothing waits for it.
 */
export class TipWatch {
  private askedAt = -Infinity;
  private site: Site | undefined;
  private told: Told | undefined;

  constructor(private readonly signal: AbortSignal) {}

  /** Adds what is known by now to a view of the site's node. Asks again when the last answer is old. */
  addTo({ tipAt, unconfirmedGenesis, ...view }: NodeView, site: Site, sameNode: boolean): NodeView {
    if (site !== this.site) {
      this.site = site;
      this.askedAt = -Infinity;
      const before = {
        ...known('tipAt', tipAt),
        ...known('unconfirmedGenesis', unconfirmedGenesis),
      };
      this.told = sameNode ? before : undefined;
    }
    const now = performance.now();
    if (now - this.askedAt >= TIP_MS) {
      this.askedAt = now;
      void this.ask(site);
    }
    return { ...view, ...this.told };
  }

  private async ask(site: Site): Promise<void> {
    try {
      const tip = await provenTip(site, this.signal);
      if (site !== this.site) return;
      const { genesis, history } = site;
      this.told = {
        ...known('tipAt', tip?.at),
        ...(history.passedTrustedWaypoint() ? {} : { unconfirmedGenesis: genesis }),
      };
    } catch {
      // The look at the node and the backups from it report what is wrong with it.
    }
  }
}

function known<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}
