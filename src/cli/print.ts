import { visible } from '../lib/visible.js';

/** Prints a result on stdout: text for people, or JSON. */
export function print(text: string): void {
  console.log(visible(text));
}
