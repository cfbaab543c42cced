/** What an operator should know of a storage although nothing fails. Each process tells it once. */
const told = new Set<string>();
let listener: ((text: string) => void) | undefined;

export function remark(text: string): void {
  if (listener === undefined || told.has(text)) return;
  told.add(text);
  listener(text);
}

/** Sets the one listener of this process. */
export function onRemark(listen: (text: string) => void): void {
  listener = listen;
}
