/**
 * Runs `work` for each item, at most `most` at once, and begins them in order. Rejects with the first error, but
 * does not stop the other items.
 */
export async function forEachAtOnce<T>(
  most: number,
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      await work(items[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: most }, worker));
}
