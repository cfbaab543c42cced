/**
 * What this process began on a storage, that passed its deadline and has not come back. Each occupies
 * one of the few threads that all file access of a process shares, for as long as the storage hangs.
 */
const waiting = new Set<string>();
let listener: (() => void) | undefined;

/** Counts something as overdue until it comes back, if it ever does. */
export function noteOverdue(what: string, running: Promise<unknown>): void {
  const entry = `${what} (since ${new Date().toISOString()}, number ${waiting.size + 1})`;
  waiting.add(entry);
  const back = () => void waiting.delete(entry);
  running.then(back, back);
  listener?.();
}

/** What is overdue now. */
export function overdue(): string[] {
  return [...waiting];
}

/** Told whenever something more is overdue; one listener for each process. */
export function onOverdue(listen: () => void): void {
  listener = listen;
}
