/**
 * Storage calls of this process that have passed their deadline and have not returned. While the storage hangs,
 * each of them occupies one of the four threads that all file access of a process shares.
 */
const waiting = new Set<string>();
let listener: (() => void) | undefined;

/** Counts a call as overdue until `running` settles, if it ever does. `what` names the call. */
export function noteOverdue(what: string, running: Promise<unknown>): void {
  const entry = `${what} (since ${new Date().toISOString()}, number ${waiting.size + 1})`;
  waiting.add(entry);
  const back = () => void waiting.delete(entry);
  running.then(back, back);
  listener?.();
}

/** Descriptions of the calls that are overdue now. */
export function overdue(): string[] {
  return [...waiting];
}

/** Sets the function that is called for each new overdue call. A process has one. */
export function onOverdue(listen: () => void): void {
  listener = listen;
}
