/** A file that a compaction leaves as it is, and why. */
export interface LeftAlone {
  /** Its handle. */
  object: string;
  why: string;
}
