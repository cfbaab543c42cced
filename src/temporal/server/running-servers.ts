import type { Say } from '../errors.js';
import { isListening } from './ports.js';
import { allProcesses, runsCommandWith } from '../process-info.js';
import { type ServerFiles, type ServerPorts, stopServer } from './server-process.js';
import type { ServerState } from './server-state.js';

/** Stops whatever server runs on a database, also one that nobody has written down. */
export async function stopServersOn(files: ServerFiles): Promise<void> {
  for (const { pid } of serversOn(files.database)) await stopServer(pid, files);
}

/**
 * The server that runs on a database and that nobody has written down (or what was written is damaged), if
 * its ports will do. Any other is stopped: two on one database would damage it.
 */
export async function findServerOn(
  files: ServerFiles,
  options: { willDo: (ports: ServerPorts) => boolean; say: Say },
): Promise<ServerState | undefined> {
  let found: ServerState | undefined;
  for (const { pid, ports } of serversOn(files.database)) {
    if (!found && ports && options.willDo(ports)) {
      // One that listens is past its start: it is not waited for as long.
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
    .filter(({ pid }) => runsCommandWith(pid, database)) // and no shell that has it in a script
    .map(({ pid, command }) => ({ pid, ports: portsIn(command) }));
}

function portsIn(command: string): ServerPorts | undefined {
  const [port, uiPort] = ['port', 'ui-port'].map((name) =>
    Number(new RegExp(` --${name} (\\d+)(?: |$)`).exec(command)?.[1]),
  );
  return port && uiPort ? { port, uiPort } : undefined;
}
