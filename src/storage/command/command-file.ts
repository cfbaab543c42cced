import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call, FileWriter } from '../backend.js';
import { noteTidying } from '../../lib/host/tidying.js';
import { METADATA } from '../handles.js';
import { StorageError, isStorageError } from '../storage-error.js';
import type { Adapter, Variables } from './adapter.js';
import type { CommandName } from './adapter-config.js';
import { type CommandReader, type Content, REMOVED } from './command-reader.js';
import { makeScratch, removeScratch, requireRoom } from './scratch.js';

const TRIES = 3;
const PAUSE_MS = 500;
/** How often a new file is read back. A store may show it only after a moment. */
const LOOKS = 3;

export interface CommandFileTools {
  adapter: Adapter;
  reader: CommandReader;
  call: Call;
  /** What `create_backup` printed for a folder. */
  backupHandle: (folder: string) => Promise<string>;
  /** Whether the file is read back after it was sent. */
  readsBack: boolean;
  /** Called when the file is stored, with its content. */
  stored: (content: Content) => void;
  /** Called when a metadata file is there, before anybody hears of it. */
  requireListed: (name: string) => Promise<void>;
}

/** A file of a command adapter. A temporary file holds it until it is published. Then it is sent whole. */
export class CommandFile implements FileWriter {
  private readonly hash = createHash('sha256');
  private bytes = 0n;
  private content: Content | undefined;
  /** What the try before read back in place of the content. */
  private foundBefore: string | undefined;

  private constructor(
    readonly handle: string,
    private readonly tools: CommandFileTools,
    private readonly scratch: string,
    private file: FileHandle | undefined,
  ) {}

  static async create(handle: string, tools: CommandFileTools): Promise<CommandFile> {
    tools.call.signal.throwIfAborted();
    const scratch = await makeScratch(tools.adapter.temporaryFolder);
    try {
      const file = await open(path.join(scratch, 'content'), 'wx', 0o600);
      return new CommandFile(handle, tools, scratch, file);
    } catch (error) {
      await removeScratch(scratch);
      throw held(error, handle);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.tools.call.signal.throwIfAborted();
    try {
      await this.file!.appendFile(bytes);
    } catch (error) {
      throw held(error, this.handle);
    }
    this.hash.update(bytes);
    this.bytes += BigInt(bytes.length);
  }

  async publish({ replace = false } = {}): Promise<'created' | 'exists'> {
    const outcome = await this.store(replace);
    const [folder, name = ''] = this.handle.split('/');
    if (folder === METADATA) await this.tools.requireListed(name);
    return outcome;
  }

  private async store(replace: boolean): Promise<'created' | 'exists'> {
    const { call, reader } = this.tools;
    call.signal.throwIfAborted();
    this.content ??= { bytes: this.bytes, sha256: this.hash.digest('hex') };
    await this.close();
    if (!replace && (await reader.isThere(this.handle, call))) return 'exists';
    for (let left = TRIES - 1; ; left -= 1) {
      const failure = await this.send(this.content, replace);
      if (failure === 'exists') return failure;
      if (failure === undefined) {
        await removeScratch(this.scratch);
        return 'created';
      }
      if (left === 0 || isStorageError(failure, 'DENIED', 'STORAGE_UNFIT')) throw failure;
      await sleep(PAUSE_MS * 4 ** (TRIES - 1 - left), undefined, { signal: call.signal });
    }
  }

  discard(): Promise<void> {
    return noteTidying(this.drop());
  }

  private async drop(): Promise<void> {
    await this.close();
    await removeScratch(this.scratch);
  }

  private async close(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    await file?.close();
  }

  /** Runs the command once. Returns why the file is not stored, if it is not. */
  private async send(
    content: Content,
    replace: boolean,
  ): Promise<StorageError | 'exists' | undefined> {
    const { adapter, call, reader, stored, readsBack } = this.tools;
    let { name, variables } = await this.order();
    let answer = await this.run(name, variables, content);
    if (answer.status !== 0 && name === 'create_for_write' && adapter.onlyCreates(name)) {
      call.signal.throwIfAborted();
      if (!replace && (await reader.isThere(this.handle, call))) return 'exists';
      // Such commands write into folders, where the other one reaches the file as well, and writes over it.
      name = 'save_metadata_line';
      variables = { FILE_NAME: `../${this.handle}` };
      answer = await this.run(name, variables, content);
    }
    call.signal.throwIfAborted();
    if (answer.status !== 0) return adapter.failed(name, variables, answer);
    const found = readsBack ? await this.readBack(content) : content;
    if (found?.sha256 === content.sha256 && found.bytes === content.bytes) {
      stored(content);
      return undefined;
    }
    if (found && (!replace || this.isReplacedAgain(found)) && (await this.isOfAnother())) {
      return replace ? undefined : 'exists';
    }
    this.foundBefore = found?.sha256;
    return this.notStored(name, variables, answer, found);
  }

  private async run(name: CommandName, variables: Variables, content: Content) {
    const { adapter, call } = this.tools;
    if (adapter.needsRoom(name)) {
      await requireRoom(Number(content.bytes), this.handle, adapter.temporaryFolder);
    }
    const stdin = await open(path.join(this.scratch, 'content'), 'r');
    try {
      return await adapter.run(name, variables, call, { stdin: stdin.fd });
    } finally {
      await stdin.close();
    }
  }

  private async order(): Promise<{ name: CommandName; variables: Variables }> {
    const [folder = '', ...rest] = this.handle.split('/');
    const FILE_NAME = rest.join('/');
    if (folder === METADATA) return { name: 'save_metadata_line', variables: { FILE_NAME } };
    const BACKUP_HANDLE = await this.tools.backupHandle(folder);
    return { name: 'create_for_write', variables: { BACKUP_HANDLE, FILE_NAME } };
  }

  private async readBack(content: Content): Promise<Content | undefined> {
    const { reader, call } = this.tools;
    // What is as long as the mark of a removal may be the mark. Others read such a file as none.
    const marker = content.bytes === BigInt(REMOVED.length);
    let found: Content | undefined;
    for (let look = 0; look < LOOKS; look += 1) {
      if (look > 0) await sleep(PAUSE_MS * 2 ** look, undefined, { signal: call.signal });
      try {
        found = await reader.content(this.handle, call, { marker });
      } catch (error) {
        if (!isStorageError(error, 'DAMAGED')) throw error;
        return { bytes: 0n, sha256: '' };
      }
      if (found?.sha256 === content.sha256) return found;
    }
    return found;
  }

  /**
   * Whether somebody else replaced a small file of ours after we did. An old file that we could not replace would be
   * the same as at the try before.
   */
  private isReplacedAgain(found: Content): boolean {
    const before = this.foundBefore;
    const ours = /\.(json|lease|receipt)$/.test(this.handle);
    return ours && before !== undefined && before !== found.sha256;
  }

  /** Whether the stored file is a whole one of somebody who was faster: all its lines are JSON. */
  private async isOfAnother(): Promise<boolean> {
    const { reader, call } = this.tools;
    if (!/\.(json|meta|manifest|lease|receipt)$/.test(this.handle)) return false;
    let text = '';
    try {
      for await (const part of reader.read(this.handle, call)) text += Buffer.from(part).toString();
      for (const line of text.trim().split('\n')) JSON.parse(line);
      return true;
    } catch (error) {
      if (error instanceof SyntaxError || isStorageError(error, 'NOT_FOUND', 'DAMAGED'))
        return false;
      throw error;
    }
  }

  private async notStored(
    name: CommandName,
    variables: Variables,
    { output, stderr }: { output: string; stderr: string },
    found: Content | undefined,
  ): Promise<StorageError> {
    const { adapter, reader, call } = this.tools;
    const printed = output.trim();
    const other = /\s/.test(printed) || printed === this.handle ? '' : printed;
    if (!found && other !== '' && (await reader.isThere(other, call).catch(() => false))) {
      const what = `${name} stored ${this.handle} under the handle ${other}, but manifests name files as <folder>/<name>`;
      const todo = 'we can read with such an adapter, but not write';
      return adapter.error('STORAGE_UNFIT', variables, what, { todo });
    }
    const bytes = found ? `${found.bytes} other bytes` : 'nothing';
    const what = `${name} reported success for ${this.handle} (${this.content?.bytes} bytes), but reading it back gives ${bytes}`;
    const isMetadata = this.handle.startsWith(`${METADATA}/`);
    const moved = isMetadata && found ? await this.moveAway() : '';
    return adapter.error('STORAGE_FAILED', variables, what + moved, {
      stderr,
      todo: 'see what the command does with a failed upload',
    });
  }

  /** Moves a damaged metadata file away. The stock tool cannot read any metadata beside it. */
  private async moveAway(): Promise<string> {
    const { adapter, call } = this.tools;
    const gone = '; remove it: nobody can read the metadata beside it';
    if (!adapter.has('backup_metadata_file')) return gone;
    const FILE_NAME = this.handle.slice(METADATA.length + 1);
    const { status } = await adapter.run('backup_metadata_file', { FILE_NAME }, call);
    return status === 0 ? '; it was moved away' : gone;
  }
}

function held(error: unknown, handle: string): StorageError {
  const { code, message } = error as NodeJS.ErrnoException;
  const why = `${handle} cannot be kept in the folder for temporary files: ${message}; make room, or let TMPDIR name another folder`;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new StorageError(full ? 'NO_SPACE' : 'STORAGE_FAILED', handle, why, { cause: error });
}
