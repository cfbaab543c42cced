/** A node is behind when it lacks a version that another node had this long ago. */
const LAG_MS = 20_000;

/**
 * The versions that the nodes of a job had reached. Only proven ones count, because a node can claim any
 * version.
 */
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

  /** Why a node with this version is behind; undefined when it is not. */
  behind(node: string, version: bigint, now: number): string | undefined {
    const passed = this.marks.find(
      (mark) => mark.node !== node && now - mark.at >= LAG_MS && mark.version > version,
    );
    if (!passed) return undefined;
    const seconds = Math.round((now - passed.at) / 1000);
    return `${node}: the node is behind: it has version ${version}, and ${passed.node} had ${passed.version} ${seconds} s ago`;
  }
}
