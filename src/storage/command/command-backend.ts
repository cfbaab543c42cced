import { randomBytes } from 'node:crypto';
import type {
  Call,
  Entry,
  FileStat,
  FileWriter,
  ListedFile,
  StampedFile,
  StorageBackend,
} from '../backend.js';
import { METADATA, OWN_FOLDER, RETIRED } from '../handles.js';
import { remark } from '../remarks.js';
import { StorageError } from '../storage-error.js';
import { digestId } from '../storage-id.js';
import { type AdapterConfig, readAdapterConfig } from './adapter-config.js';
import { Adapter, MOST_PRINTED } from './adapter.js';
import { meaningOf, saysExists, saysNotThere, saysNothingYet, saysTrouble } from './answers.js';
import { CommandFile } from './command-file.js';
import { CommandReader, type Content, REMOVED } from './command-reader.js';
import { KeptWord } from './kept-word.js';
import { parseListing } from './listing.js';
import { isNaming } from './redaction.js';

/** For how long we know, without a command, a chunk or proof that this process stored and read back. */
const KNOWN_MS = 10 * 60_000;
const MOST_KNOWN = 4096;

const opened = new Map<string, CommandBackend>();

/**
 * The storage that the commands of a YAML file make (README.md of this folder). Reads the file, and runs nothing.
 * @throws StorageError ADAPTER_INVALID
 */
export function openCommandAdapter(path: string): StorageBackend {
  const config = readAdapterConfig(path);
  const name = JSON.stringify(config);
  const backend = opened.get(name) ?? new CommandBackend(config);
  opened.set(name, backend);
  return backend;
}

/**
 * A storage made of an operator's own commands. README.md of this folder says what they can do, and what follows from
 * that.
 */
class CommandBackend implements StorageBackend {
  readonly description: string;
  readonly id: string;
  readonly byNameOnly = true;
  private readonly adapter: Adapter;
  private readonly reader: CommandReader;
  private readonly word: KeptWord;
  /** What `create_backup` printed, by folder. */
  private readonly handles = new Map<string, string>();
  private readonly known = new Map<string, { stat: FileStat; until: number }>();
  private isFit = false;
  /** Said that a listing shows other lines. They may be others each time. */
  private toldForeign = false;

  constructor(config: AdapterConfig) {
    this.adapter = new Adapter(config);
    this.description = this.adapter.description;
    const naming = config.envVars.filter(isNaming);
    this.id = digestId(JSON.stringify([config.commands, naming]));
    this.word = new KeptWord(this.adapter);
    this.reader = new CommandReader(this.adapter, (call) => this.names(call));
  }

  /** Commands need no folder before the first file. */
  async begin(call: Call): Promise<void> {
    await this.probe(call);
  }

  /** Stores a small file of ours. It stays there. */
  async probe(call: Call): Promise<void> {
    if (this.isFit) return;
    await this.reader.requireHonest(call);
    await this.put(`${OWN_FOLDER}/probe.json`, probeContent(), call);
    this.isFit = true;
    if (this.adapter.has('backup_metadata_file')) return;
    remark(
      `${this.description} has no command backup_metadata_file: no metadata file is ever moved away, and metadata is not compacted`,
    );
  }

  async makeFolder(folder: string, call: Call): Promise<void> {
    if (folder === METADATA || folder === RETIRED) return; // `save_metadata_line` and `backup_metadata_file` make it
    await this.createBackup(folder, call);
  }

  async create(handle: string, call: Call): Promise<FileWriter> {
    if (handle.startsWith(`${RETIRED}/`)) return this.movedLater(handle);
    return CommandFile.create(handle, {
      adapter: this.adapter,
      reader: this.reader,
      call,
      backupHandle: async (folder) =>
        this.handles.get(folder) ?? (await this.createBackup(folder, call)),
      readsBack: !handle.endsWith('.chunk') || readsBackChunks(),
      stored: (content) => this.remember(handle, content),
      requireListed: (name) => this.word.requireListed(name, () => this.names(call), call),
    });
  }

  async *read(handle: string, call: Call): AsyncGenerator<Uint8Array> {
    this.known.delete(handle); // a reader wants what is there now
    yield* this.reader.read(handle, call);
  }

  async stat(handle: string, call: Call): Promise<FileStat | undefined> {
    const known = this.known.get(handle);
    if (known && performance.now() < known.until) return known.stat;
    this.known.delete(handle);
    const content = await this.reader.content(handle, call);
    return content && statOf(content);
  }

  async entries(folder: string, call: Call): Promise<Entry[]> {
    if (folder !== METADATA) throw this.cannot(folder, 'list');
    return (await this.names(call)).map((name) => ({ name, isFolder: false }));
  }

  list(folder: string): Promise<ListedFile[]> {
    return Promise.reject(this.cannot(folder, 'list'));
  }

  /** The stock tool takes a metadata file for the same as long as it has its name (README.md of this folder). */
  async stamps(folder: string, call: Call): Promise<StampedFile[]> {
    if (folder !== METADATA) throw this.cannot(folder, 'list');
    return (await this.names(call)).map((name) => ({ name, bytes: undefined, stamp: '' }));
  }

  /** A metadata file is moved to `metadata_backup`; a small file of ours is marked as removed. */
  async remove(handle: string, call: Call): Promise<void> {
    this.known.delete(handle);
    if (handle.startsWith(`${METADATA}/`)) return this.moveMetadata(handle, call);
    if (/\.(chunk|proof|manifest)$/.test(handle)) throw this.cannot(handle, 'remove');
    if (await this.reader.isThere(handle, call)) await this.put(handle, REMOVED, call);
  }

  removeFolder(folder: string): Promise<void> {
    return Promise.reject(this.cannot(folder, 'remove'));
  }

  now(): Promise<number> {
    return Promise.resolve(Date.now());
  }

  lastChange(folder: string): Promise<number | undefined> {
    return Promise.reject(this.cannot(folder, 'tell the last change of'));
  }

  /** A file that is being written is only on the host that writes it, and goes away with its process. */
  removeLeftovers(): Promise<{ removed: number; left: number }> {
    return Promise.resolve({ removed: 0, left: 0 });
  }

  /** Names of all metadata files. @throws StorageError STORAGE_FAILED when the listing looks like an outage */
  private async names(call: Call): Promise<string[]> {
    const name = 'list_metadata_files';
    const answer = await this.adapter.run(name, {}, call, { mostOutput: MOST_PRINTED });
    const { output, status, stderr } = answer;
    if (status !== 0) throw this.adapter.failed(name, {}, answer);
    const { names, foreign } = parseListing(output);
    const [first] = foreign;
    const shown =
      first === undefined ? '' : JSON.stringify(this.adapter.redact(first).slice(0, 160));
    if (names.length === 0 && foreign.length > 0) {
      const what = `${name} printed no handle of the form metadata/<name>, but ${shown}`;
      const todo = 'correct the command, or see whether the store answers';
      throw this.adapter.error('STORAGE_FAILED', {}, what, { stderr, todo });
    }
    if (foreign.length > 0 && !this.toldForeign) {
      this.toldForeign = true;
      remark(
        `${this.description}: ${name} printed ${shown}, which is no handle of a metadata file; such lines are ignored`,
      );
    }
    const some = names.length > 0;
    const fine = some
      ? !(this.adapter.hidesFailure(name) && saysTrouble(stderr))
      : saysNothingYet(stderr);
    if (fine || trustsEmptyListing()) return names;
    const listed = some ? `${names.length} names` : 'nothing';
    const what = `${name} listed ${listed} and complained, so we take it for an outage`;
    const meaning = meaningOf(stderr);
    if (meaning.code !== 'STORAGE_FAILED') {
      throw this.adapter.error(meaning.code, {}, what, { stderr, todo: meaning.todo });
    }
    const todo =
      'if this storage is new and the complaint is normal, set APTOS_BACKUP_ADAPTER_EMPTY_LISTING=trust for its first backup';
    throw this.adapter.error('STORAGE_FAILED', {}, what, { stderr, todo });
  }

  private async createBackup(folder: string, call: Call): Promise<string> {
    const variables = { BACKUP_NAME: folder };
    const answer = await this.adapter.run('create_backup', variables, call);
    const isThere = answer.status !== 0 && saysExists(answer.stderr);
    if (answer.status !== 0 && !isThere) {
      throw this.adapter.failed('create_backup', variables, answer);
    }
    const handle = (isThere ? '' : answer.output.trim()) || folder;
    this.handles.set(folder, handle);
    return handle;
  }

  private async moveMetadata(handle: string, call: Call): Promise<void> {
    const variables = { FILE_NAME: handle.slice(METADATA.length + 1) };
    const answer = await this.adapter.run('backup_metadata_file', variables, call);
    if (answer.status === 0) {
      return this.word.requireMoved(variables.FILE_NAME, () => this.names(call), call);
    }
    if (saysNotThere(answer.stderr, handle)) return;
    throw this.adapter.failed('backup_metadata_file', variables, answer);
  }

  /** A file that does nothing: `backup_metadata_file` makes the copy when the metadata file is removed. */
  private movedLater(handle: string): FileWriter {
    if (!this.adapter.has('backup_metadata_file')) {
      const why = `${this.description} has no command backup_metadata_file, so ${handle.slice(RETIRED.length + 1)} stays in ${METADATA}/; add the command, or move the file yourself`;
      throw new StorageError('STORAGE_UNFIT', handle, why);
    }
    return {
      handle,
      write: () => Promise.resolve(),
      publish: () => Promise.resolve('created'),
      discard: () => Promise.resolve(),
    };
  }

  private async put(handle: string, content: Uint8Array, call: Call): Promise<void> {
    const file = await this.create(handle, call);
    try {
      await file.write(content);
      await file.publish({ replace: true });
    } finally {
      await file.discard();
    }
  }

  /** Remembers chunks and proofs only: small files must always be looked at. */
  private remember(handle: string, content: Content): void {
    this.known.delete(handle);
    if (!/\.(chunk|proof)$/.test(handle)) return;
    this.known.set(handle, { stat: statOf(content), until: performance.now() + KNOWN_MS });
    const [oldest] = this.known.keys();
    if (this.known.size > MOST_KNOWN && oldest !== undefined) this.known.delete(oldest);
  }

  private cannot(handle: string, what: string): StorageError {
    const why = `${this.description} has no command to ${what} ${handle === '' ? 'its folders' : handle}`;
    return new StorageError('STORAGE_UNFIT', handle, why);
  }
}

function statOf({ bytes, sha256 }: Content): FileStat {
  return { bytes, stamp: `${bytes}-${sha256}` };
}

function probeContent(): Uint8Array {
  return Buffer.from(`${JSON.stringify({ probe: randomBytes(16).toString('hex') })}\n`);
}

/** Metadata, manifests and all small files are always read back. */
function readsBackChunks(): boolean {
  return oneOf('APTOS_BACKUP_ADAPTER_READ_BACK', ['all', 'small']) !== 'small';
}

function trustsEmptyListing(): boolean {
  return oneOf('APTOS_BACKUP_ADAPTER_EMPTY_LISTING', ['check', 'trust']) === 'trust';
}

/** A setting of the environment; its first value is the default. @throws Error for any other */
function oneOf(name: string, values: readonly string[]): string | undefined {
  const given = process.env[name] ?? values[0];
  if (given !== undefined && values.includes(given)) return given;
  throw new Error(`${name} must be ${values.join(' or ')}, not "${given}"`);
}
