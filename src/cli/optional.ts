/** A field of an input, if its flag is given. */
export function optional<K extends string>(
  name: K,
  value: string | undefined,
): { [P in K]?: string } {
  return (value === undefined ? {} : { [name]: value }) as { [P in K]?: string };
}
