/** An environment in which nothing names a Temporal server: the embedded one is used, whatever a shell is set up for. */
export function withoutServer(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !name.startsWith('TEMPORAL_') || name === 'TEMPORAL_CLI_PATH',
  );
  return Object.fromEntries(kept);
}
