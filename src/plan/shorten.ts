/** The beginning of a text that may quote anything. */
export function shorten(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}...` : text;
}
