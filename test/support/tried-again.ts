/** Starts what may fail for a reason that passes, such as a busy machine or a port that was just taken. */
export async function triedAgain<T>(most: number, start: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start();
    } catch (error) {
      if (tries === most) throw error;
    }
  }
}
