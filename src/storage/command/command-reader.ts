import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { METADATA, OWN_FOLDER } from '../handles.js';
import { StorageError, isStorageError } from '../storage-error.js';
import type { Call } from '../backend.js';
import type { Adapter } from './adapter.js';
import { formOf, saysDamaged, saysNotThere } from './answers.js';
import type { Ended, RunningCommand } from './running-command.js';
import { requireRoom } from './scratch.js';

/** The content of a removed file of ours. No command removes files, so we write this over it. */
export const REMOVED = Buffer.from('{"removed":1}\n');
/** Nobody stores a file of this name. */
const NEVER_STORED = `${OWN_FOLDER}/never-stored.json`;
/** Files of the stock tool's format. All other files are ours, and small. */
const OF_THE_FORMAT = /\.(chunk|proof|manifest|meta)$/;
/** The default size of a chunk. A command may keep a whole chunk in a temporary file. */
const CHUNK_BYTES = 128 * 1024 * 1024;
const LOOK_MS = 250;
/** Pauses before a damaged file is read again. A store in trouble may cut it twice in a row. */
const DAMAGE_PAUSES_MS = [0, 3000];
/** A program may say that there is no such file, and then retry for minutes. We wait this long for another word. */
const LAST_WORD_MS = 1000;

export interface Content {
  bytes: bigint;
  sha256: string;
}

/** Reads files through `open_for_read`. Distinguishes a missing file, a damaged file and an unreachable storage. */
export class CommandReader {
  /** A file that we could read. We read it again to see whether the storage still answers. */
  private readable: string | undefined;

  constructor(
    private readonly adapter: Adapter,
    /** Lists the names of all metadata files. Throws when the listing looks like an outage. */
    private readonly listed: (call: Call) => Promise<string[]>,
  ) {}

  /** @throws StorageError NOT_FOUND, DAMAGED, or the failure of the command */
  async *read(handle: string, call: Call): AsyncGenerator<Uint8Array> {
    call.signal.throwIfAborted();
    const parts = this.parts(handle, call);
    if (OF_THE_FORMAT.test(handle)) {
      yield* parts;
      return;
    }
    // A file as short as the marker may be the marker. So its bytes are held back until it is longer, or ends.
    let held = Buffer.alloc(0);
    let more = false;
    for await (const part of parts) {
      if (more) yield part;
      else held = Buffer.concat([held, part]);
      if (more || held.length <= REMOVED.length) continue;
      yield held;
      more = true;
    }
    if (more) return;
    if (held.equals(REMOVED)) throw this.missing(handle);
    if (held.length > 0) yield held;
  }

  /** Reads a file to its end. Undefined when there is none. `marker`: a mark of a removal counts as a file. */
  async content(handle: string, call: Call, { marker = false } = {}): Promise<Content | undefined> {
    const hash = createHash('sha256');
    let bytes = 0n;
    try {
      for await (const part of marker ? this.parts(handle, call) : this.read(handle, call)) {
        hash.update(part);
        bytes += BigInt(part.length);
      }
    } catch (error) {
      if (isStorageError(error, 'NOT_FOUND')) return undefined;
      throw error;
    }
    return { bytes, sha256: hash.digest('hex') };
  }

  /** Whether there is a file of this name. Reads only its beginning. */
  async isThere(handle: string, call: Call): Promise<boolean> {
    try {
      for await (const part of this.read(handle, call)) if (part.length > 0) return true;
      return true;
    } catch (error) {
      if (isStorageError(error, 'NOT_FOUND')) return false;
      if (isStorageError(error, 'DAMAGED')) return true;
      throw error;
    }
  }

  /** @throws StorageError STORAGE_UNFIT when a missing file cannot be told from a stored one */
  async requireHonest(call: Call): Promise<void> {
    const { status, bytes } = await this.tryToRead(NEVER_STORED, call);
    if (status !== 0) return;
    const what = `open_for_read succeeds for a file that nobody ever stored, with ${bytes} bytes`;
    const todo = 'make it fail for a missing file, as `curl -f` does; nothing was written';
    throw this.adapter.error('STORAGE_UNFIT', {}, what, { todo });
  }

  private async *parts(handle: string, call: Call): AsyncGenerator<Uint8Array> {
    const isChunk = handle.endsWith('.chunk');
    if (isChunk && this.adapter.needsRoom('open_for_read')) {
      await requireRoom(CHUNK_BYTES, handle, this.adapter.temporaryFolder);
    }
    let sent = 0;
    let ended: Ended;
    const command = await this.adapter.start('open_for_read', { FILE_HANDLE: handle }, call);
    const watch = new LastWord(command, handle, this.adapter.triesAgain('open_for_read'));
    try {
      for await (const part of command.output()) {
        watch.stop();
        sent += part.length;
        yield part;
      }
      ended = await command.ended();
    } catch (error) {
      if (watch.isLast) throw this.missing(handle);
      throw error;
    } finally {
      watch.stop();
      await command.end();
    }
    if (watch.isLast) throw this.missing(handle);
    if (ended.status !== 0) throw await this.failureOf(handle, sent, ended, call);
    this.readable = handle;
  }

  private async failureOf(
    handle: string,
    sent: number,
    ended: Ended,
    call: Call,
  ): Promise<StorageError> {
    const { stderr } = ended;
    const variables = { FILE_HANDLE: handle };
    const answer = sent === 0 ? await this.answerOf(handle, ended, call) : 'of the file';
    if (answer === 'missing') return this.missing(handle);
    if (answer === 'of all' || !saysDamaged(stderr)) {
      return this.adapter.failed('open_for_read', variables, ended);
    }
    // A broken transfer looks like a damaged file. But only a damaged file always breaks off at the same byte.
    for (const pause of DAMAGE_PAUSES_MS) {
      await sleep(pause, undefined, { signal: call.signal });
      const again = await this.tryToRead(handle, call);
      if (again.status === 0 || again.bytes !== sent || !saysDamaged(again.stderr)) {
        return this.adapter.failed('open_for_read', variables, ended);
      }
    }
    const what = `${handle} is packed and damaged: it breaks off or fails its checksum after ${sent} bytes`;
    const todo = 'put it back from a copy, or run a verification';
    return this.adapter.error('DAMAGED', variables, what, { stderr, todo });
  }

  /** Why a command failed: there is no such file, this file has another problem, or every file fails like that. */
  private async answerOf(
    handle: string,
    ended: Ended,
    call: Call,
  ): Promise<'missing' | 'of the file' | 'of all'> {
    if (saysNotThere(ended.stderr, handle)) return 'missing';
    const never = await this.tryToRead(NEVER_STORED, call);
    const same =
      never.status !== 0 &&
      never.bytes === 0 &&
      formOf(never.status, never.stderr, NEVER_STORED) ===
        formOf(ended.status, ended.stderr, handle);
    if (!same) return 'of the file';
    return (await this.answers(handle, call)) ? 'missing' : 'of all';
  }

  /** Whether a stored file can be read at this moment. If no file is stored, whether the listing succeeds. */
  private async answers(but: string, call: Call): Promise<boolean> {
    const known = this.readable;
    if (known !== undefined && known !== but && (await this.canRead(known, call))) return true;
    const names = await this.listed(call);
    const other = names.map((name) => `${METADATA}/${name}`).find((handle) => handle !== but);
    return other === undefined ? known === undefined : this.canRead(other, call);
  }

  private async canRead(handle: string, call: Call): Promise<boolean> {
    const { status, bytes } = await this.tryToRead(handle, call);
    return status === 0 || bytes > 0;
  }

  private async tryToRead(handle: string, call: Call): Promise<Ended & { bytes: number }> {
    const command = await this.adapter.start('open_for_read', { FILE_HANDLE: handle }, call);
    const watch = new LastWord(command, handle, this.adapter.triesAgain('open_for_read'));
    let bytes = 0;
    try {
      for await (const part of command.output()) bytes += part.length;
      return { bytes, ...(await command.ended()) };
    } catch (error) {
      if (!watch.isLast) throw error;
      return { bytes, status: 1, stderr: command.stderr };
    } finally {
      watch.stop();
      await command.end();
    }
  }

  private missing(handle: string): StorageError {
    const why = `${handle} is not in ${this.adapter.description}`;
    return new StorageError('NOT_FOUND', handle, why);
  }
}

/**
 * Ends a command that said that there is no such file, but runs on. Only for commands with a loop, which may retry
 * for minutes. A command without a loop may look in another place.
 */
class LastWord {
  isLast = false;
  private since: number | undefined;
  private readonly timer: NodeJS.Timeout;

  constructor(command: RunningCommand, handle: string, triesAgain: boolean) {
    this.timer = setInterval(() => {
      if (!triesAgain || !saysNotThere(command.stderr, handle)) return;
      this.since ??= performance.now();
      if (performance.now() - this.since < LAST_WORD_MS) return;
      this.stop();
      this.isLast = true;
      void command.end();
    }, LOOK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
