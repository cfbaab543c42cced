/** Of two names that differ in more letters, one is no slip of the other. */
const MOST_SLIPS = 3;

/** `, did you mean "NAME"?`, to follow a name that is not known; empty when no known name is close. */
export function didYouMean(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined ? '' : `, did you mean "${near}"?`;
}

/** The known name that was probably meant; undefined when none is close. */
function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > 40) return undefined;
  const [best] = known
    .map((one) => ({ one, slips: slipsBetween(name.toLowerCase(), one) }))
    .sort((a, b) => a.slips - b.slips);
  return best && best.slips <= MOST_SLIPS ? best.one : undefined;
}

/** How many letters must be added, dropped or changed to come from one text to the other. */
function slipsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const change = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
