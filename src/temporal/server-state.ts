import { readFileSync, renameSync, writeFileSync } from 'node:fs';

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
      const state = JSON.parse(readFileSync(this.path, 'utf8')) as ServerState;
      return [state.pid, state.port, state.uiPort].every((n) => Number.isInteger(n) && n > 0)
        ? state
        : undefined;
    } catch {
      return undefined;
    }
  }

  write(state: ServerState): void {
    // Renamed when it is on the disk: a power cut would leave an empty one.
    writeFileSync(`${this.path}.new`, `${JSON.stringify(state)}\n`, { flush: true });
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
