import { isSilence } from '../node/node-error.js';
import type { NodeFault } from './node-fault.js';

/** A node that is not asked for a while, and why. Plain data, because it is part of heartbeats. */
export interface NodeRest extends NodeFault {
  node: string;
  /** When it failed and when it may be asked again, in unix milliseconds. */
  at: number;
  until: number;
}

const FIRST_REST_MS = { trouble: 15_000, silence: 2 * 60_000, lie: 10 * 60_000 };
const LONGEST_REST_MS = { trouble: 10 * 60_000, silence: 10 * 60_000, lie: 2 * 60 * 60_000 };

/**
 * Chooses which of several nodes to ask: the first that does not rest. A node rests after a failure, each time
 * twice as long, until it succeeds. The rest is longer after silence, because noticing silence takes a minute, and
 * after a lie. All times are unix milliseconds, and callers pass in the present time.
 */
export class NodeRests {
  private readonly rests = new Map<string, NodeRest>();

  /** The first node that does not rest; when all rest, the one whose rest ends first. */
  pick(nodes: readonly string[], now: number): string {
    const until = (node: string) => {
      const rest = this.rests.get(node)?.until ?? 0;
      return rest > now ? rest : 0;
    };
    return nodes.reduce((best, node) => (until(node) < until(best) ? node : best));
  }

  isWell(node: string, now: number): boolean {
    return (this.rests.get(node)?.until ?? 0) <= now;
  }

  /**
   * Notes that a node failed, and returns its rest. Several requests may meet the same failure at once; it counts
   * once. So a request that had `begun` before the last failure does not make the rest longer, unless it shows a lie.
   */
  failed(node: string, fault: NodeFault, begun: number, now: number): NodeRest {
    const known = this.rests.get(node);
    const together = known !== undefined && begun <= known.at && known.until > now;
    if (together && (known.lie || !fault.lie)) return known;
    const kind = kindOf(fault);
    const doubled = known?.lie === fault.lie ? (known.until - known.at) * 2 : 0;
    const length = Math.min(Math.max(doubled, FIRST_REST_MS[kind]), LONGEST_REST_MS[kind]);
    const rest = { ...fault, node, at: now, until: now + length };
    this.rests.set(node, rest);
    return rest;
  }

  /** Ends the rest of a node after a request succeeded, if that request had `begun` after the failure. */
  succeeded(node: string, begun: number): void {
    const known = this.rests.get(node);
    if (known && known.at < begun) this.rests.delete(node);
  }

  /** Takes over rests that another process noted. Of two rests of one node, the later end counts. */
  adopt(rests: readonly NodeRest[]): void {
    for (const rest of rests) {
      const known = this.rests.get(rest.node);
      if (!known || known.until < rest.until) this.rests.set(rest.node, rest);
    }
  }

  /** Those of these nodes that rest now. */
  resting(nodes: readonly string[], now: number): NodeRest[] {
    return nodes.flatMap((node) => {
      const rest = this.rests.get(node);
      return rest && rest.until > now ? [rest] : [];
    });
  }
}

function kindOf({ lie, code }: NodeFault): keyof typeof FIRST_REST_MS {
  if (lie) return 'lie';
  return isSilence(code) ? 'silence' : 'trouble';
}
