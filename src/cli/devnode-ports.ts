import { UsageError } from '../client/command-failure.js';
import { systemWords } from '../lib/host/system-words.js';

/** Waits for a simulated node. @throws UsageError when it cannot listen */
export async function onItsPorts(running: Promise<void>): Promise<void> {
  await running.catch((error: NodeJS.ErrnoException & { port?: number }) => {
    const { syscall, port } = error;
    if (syscall !== 'listen') throw error;
    throw new UsageError(
      `port ${port} of --port or --control-port: ${systemWords(error, 'listen')}`,
    );
  });
}
