import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { encodeDigested, isIntact } from '../lib/host/own-digest.js';
import { MOST_PORT } from '../lib/listen-address.js';

/** The content of `server.json`. The ports stay the same as long as the data folder exists. */
export interface ServerState {
  pid: number;
  port: number;
  uiPort: number;
  /** The server has answered since its start. From then on, silence means that it hangs. */
  ready?: true;
}

/** The file in which the users of an embedded server tell each other its process id and ports. */
export class ServerStateFile {
  constructor(private readonly path: string) {}

  /** The stored state; undefined when there is none yet or it is damaged. */
  read(): ServerState | undefined {
    try {
      const bytes = readFileSync(this.path);
      // The digest must fit: with a wrong port, a healthy server would look hung and would be killed.
      if (!isIntact(bytes)) return undefined;
      const { pid, port, uiPort, ready } = JSON.parse(bytes.toString()) as ServerState;
      if (![pid, port, uiPort].every((n) => Number.isInteger(n) && n > 0)) return undefined;
      if (Math.max(port, uiPort) > MOST_PORT) return undefined;
      return { pid, port, uiPort, ...(ready && { ready }) };
    } catch {
      return undefined;
    }
  }

  write(state: ServerState): void {
    // Flushed before the rename: otherwise a power cut could leave an empty file.
    writeFileSync(`${this.path}.new`, encodeDigested(state), { flush: true });
    renameSync(`${this.path}.new`, this.path);
  }

  /** Writes the state if it can; errors, such as a full disk, are ignored. */
  tryToWrite(state: ServerState): void {
    try {
      this.write(state);
    } catch {
      // Other users can still find the server by its command line.
    }
  }
}
