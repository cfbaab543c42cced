import { decodeTransactionRangeProof } from '../../aptos/chain/proofs.js';
import type { Site } from '../site.js';

/** A node that has not reached what another had so long ago is behind. */
const LAG_MS = 20_000;

/** How far the nodes of a job had come, proven: what one of them only says moves nobody. */
export class Lag {
  private marks: { at: number; node: string; version: bigint }[] = [];
  private markedAt = 0;

  isDue(now: number): boolean {
    return now - this.markedAt >= LAG_MS;
  }

  mark(versions: { node: string; version: bigint }[], now: number): void {
    this.markedAt = now;
    const recent = this.marks.filter(({ at }) => now - at < 3 * LAG_MS);
    this.marks = [...recent, ...versions.map((one) => ({ ...one, at: now }))];
  }

  /** Why a node that has this version is behind; undefined when it is not. */
  behind(node: string, version: bigint, now: number): string | undefined {
    const passed = this.marks.find(
      (mark) => mark.node !== node && now - mark.at >= LAG_MS && mark.version > version,
    );
    if (!passed) return undefined;
    const seconds = Math.round((now - passed.at) / 1000);
    return `${node}: the node is behind: it has version ${version}, and ${passed.node} had ${passed.version} ${seconds} s ago`;
  }
}

/** The version of a node's newest ledger info whose signatures hold; 0 when nothing proves any. */
export async function provenVersion(site: Site, signal: AbortSignal): Promise<bigint> {
  const state = await site.node.dbState(signal);
  if (!state) return 0n;
  const { committedVersion: version } = state;
  const bytes = await site.node.transactionRangeProof(version, version, signal);
  const { ledgerInfo } = decodeTransactionRangeProof(bytes);
  const proven = await site.ledgerInfos.prove(ledgerInfo, version, signal);
  return proven === 'not yet proven' ? 0n : ledgerInfo.ledgerInfo.version;
}
