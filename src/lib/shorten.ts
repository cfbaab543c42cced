/** Cuts a text after `most` characters and marks the cut with three dots. */
export function shorten(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}...` : text;
}
