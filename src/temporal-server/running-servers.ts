import type { Say } from '../temporal/temporal-error.js';
import { isListening } from './ports.js';
import { allProcesses, runsCommandWith } from '../lib/host/process-info.js';
import { type ServerFiles, type ServerPorts, stopServer } from './server-process.js';
import type { ServerState } from './server-state.js';

/** Kills every server that runs on a database, also one that server.json does not name. */
export async function killServersOn(files: ServerFiles): Promise<void> {
  for (const { pid } of serversOn(files.database)) await stopServer(pid, files, 0);
}

/**
 * Finds a server that runs on a database although server.json is missing, damaged or names another one.
 * Returns the first whose ports `willDo`. Stops all others, because two servers on one database would
 * damage it.
 */
export async function findServerOn(
  files: ServerFiles,
  options: { willDo: (ports: ServerPorts) => boolean; say: Say },
): Promise<ServerState | undefined> {
  let found: ServerState | undefined;
  for (const { pid, ports } of serversOn(files.database)) {
    if (!found && ports && options.willDo(ports)) {
      // A server that listens has finished its start, so users wait for it less long.
      found = { pid, ...ports, ...((await isListening(ports.port)) && { ready: true }) };
      continue;
    }
    options.say(`Stopping a Temporal server that was left on ${files.database}`);
    await stopServer(pid, files);
  }
  return found;
}

function serversOn(database: string): { pid: number; ports: ServerPorts | undefined }[] {
  return allProcesses()
    .filter(({ command }) => command.includes(' server start-dev '))
    .filter(({ command }) => command.includes(` --db-filename ${database} `))
    .filter(({ pid }) => runsCommandWith(pid, database)) // exact argument: not a shell with the path inside a script
    .map(({ pid, command }) => ({ pid, ports: portsIn(command) }));
}

function portsIn(command: string): ServerPorts | undefined {
  const [port, uiPort] = ['port', 'ui-port'].map((name) =>
    Number(new RegExp(` --${name} (\\d+)(?: |$)`).exec(command)?.[1]),
  );
  return port && uiPort ? { port, uiPort } : undefined;
}
