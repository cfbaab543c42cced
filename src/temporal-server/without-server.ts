/** A copy of the environment without settings of a Temporal server, so that the embedded one is used. */
export function withoutServer(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !name.startsWith('TEMPORAL_') || name === 'TEMPORAL_CLI_PATH',
  );
  return Object.fromEntries(kept);
}
