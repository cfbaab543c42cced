import { isSilence } from '../node/errors.js';
import type { NodeFault } from './node-fault.js';

/** A node that is left for others, until when and why. Plain data: it travels in heartbeats. */
export interface NodeRest extends NodeFault {
  node: string;
  /** When it failed and when it may be asked again, in unix milliseconds. */
  at: number;
  until: number;
}

const FIRST_REST_MS = { trouble: 15_000, silence: 2 * 60_000, lie: 10 * 60_000 };
const LONGEST_REST_MS = { trouble: 10 * 60_000, silence: 10 * 60_000, lie: 2 * 60 * 60_000 };

/**
 * Which of several nodes is to be asked: the first that does not rest. A node rests after it failed,
 * twice as long each time until it does what it should; longer after silence, which takes a minute to
 * notice, and after a lie. Knows the time by what it is told only.
 */
export class NodeRests {
  private readonly rests = new Map<string, NodeRest>();

  /** The first node that is well; when all rest, the one that rested enough soonest. */
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
   * Sends a node to rest. What several requests met together counts once: one that was `begun` before
   * the node was known to fail says nothing new, unless it tells of a lie.
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

  /** Ends the rest of a node that did what it should, if that began after it had failed. */
  succeeded(node: string, begun: number): void {
    const known = this.rests.get(node);
    if (known && known.at < begun) this.rests.delete(node);
  }

  /** Takes over what another process has learnt. */
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
