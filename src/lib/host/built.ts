/**
 * The URL of a built program in `dist/`. Processes and threads always run the build, also when the caller runs
 * from the sources, as tests do.
 */
export function builtProgram(path: string): URL {
  const root = import.meta.url.endsWith('.ts') ? '../../../dist/' : './';
  return new URL(root + path, import.meta.url);
}
