/**
 * The place of a built program, also when the caller runs from the sources as tests do: processes and
 * threads always run the build.
 */
export function builtProgram(path: string): URL {
  const root = import.meta.url.endsWith('.ts') ? '../dist/' : './';
  return new URL(root + path, import.meta.url);
}
