import { dataFolder } from '../data-folder.js';
import { type TemporalSession, openTemporal } from '../temporal/connection.js';
import { Interrupted } from './failure.js';
import type { CommonFlags } from './options.js';

/**
 * The Temporal server that a command works with. To have it may take minutes: the operator need not wait.
 * @throws Interrupted, TemporalError
 */
export async function openSession(
  { dataDir }: CommonFlags,
  signal: AbortSignal,
  env: NodeJS.ProcessEnv = process.env,
): Promise<TemporalSession> {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  try {
    return await openTemporal({ dataFolder: dataFolder(dataDir), say, env, signal });
  } catch (error) {
    if (signal.aborted) throw new Interrupted('interrupted before there was a Temporal server');
    throw error;
  }
}
