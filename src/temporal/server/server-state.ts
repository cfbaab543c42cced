import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { encodeDigested, isIntact } from '../../own-digest.js';

const HIGHEST_PORT = 65_535;

/** `server.json`: ports stay the same for the life of the data folder. */
export interface ServerState {
  pid: number;
  port: number;
  uiPort: number;
  /** It has answered since it was started: from then on silence means that it hangs. */
  ready?: true;
}

/** What users of an embedded server leave to each other about it. */
export class ServerStateFile {
  constructor(private readonly path: string) {}

  /** Undefined when there is none yet, or it is damaged. */
  read(): ServerState | undefined {
    try {
      const bytes = readFileSync(this.path);
      // A wrong port looks like a server that hangs: a healthy one would be killed for it.
      if (!isIntact(bytes)) return undefined;
      const { pid, port, uiPort, ready } = JSON.parse(bytes.toString()) as ServerState;
      if (![pid, port, uiPort].every((n) => Number.isInteger(n) && n > 0)) return undefined;
      if (Math.max(port, uiPort) > HIGHEST_PORT) return undefined;
      return { pid, port, uiPort, ...(ready && { ready }) };
    } catch {
      return undefined;
    }
  }

  write(state: ServerState): void {
    // Renamed when it is on the disk: a power cut would leave an empty one.
    writeFileSync(`${this.path}.new`, encodeDigested(state), { flush: true });
    renameSync(`${this.path}.new`, this.path);
  }

  /** The same when nothing depends on it: there may be no room. */
  tryToWrite(state: ServerState): void {
    try {
      this.write(state);
    } catch {
      // Who needs it finds the server by its command line.
    }
  }
}
