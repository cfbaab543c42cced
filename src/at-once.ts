/** Does `work` for each item, so many at once, in order of their beginning. One that fails does not stop the others. */
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
