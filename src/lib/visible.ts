/**
 * A text in which a terminal finds nothing to obey: names in a storage and answers of a node may have been written by
 * anybody. Control characters but new lines and tabs become \u00XX, which JSON reads as what they were.
 */
export function visible(text: string): string {
  return text.replace(
    /(?![\n\t])[\u0000-\u001f\u007f-\u009f]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
