import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Document, LineCounter, Node, YAMLMap } from 'yaml';
import { StorageError } from '../storage-error.js';

const REQUIRED = [
  'create_backup',
  'create_for_write',
  'open_for_read',
  'save_metadata_line',
  'list_metadata_files',
] as const;
const OPTIONAL = 'backup_metadata_file';

/** Loaded with the first adapter: every process and thread opens storages, and few of them are adapters. */
const loadYaml = () => createRequire(import.meta.url)('yaml') as typeof import('yaml');

export type CommandName = (typeof REQUIRED)[number] | typeof OPTIONAL;

/** A command adapter, as its file describes it. */
export interface AdapterConfig {
  file: string;
  envVars: readonly { key: string; value: string }[];
  commands: Readonly<Record<(typeof REQUIRED)[number], string>> & { [OPTIONAL]?: string };
}

/**
 * Reads the YAML of a command adapter. Unknown fields are ignored, as the stock tool does.
 * @throws StorageError ADAPTER_INVALID that names file, line and field, but never the value, which may be secret
 */
export function readAdapterConfig(file: string): AdapterConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw invalid(`the command adapter ${file} cannot be read (${code}); check the path`, error);
  }
  return new ConfigReader(file, text).read();
}

class ConfigReader {
  private readonly yaml = loadYaml();
  private readonly lines: LineCounter = new this.yaml.LineCounter();
  private document: Document | undefined;

  constructor(
    private readonly file: string,
    private readonly text: string,
  ) {}

  read(): AdapterConfig {
    const options = { lineCounter: this.lines, prettyErrors: false, logLevel: 'silent' } as const;
    const document = this.yaml.parseDocument(this.text, options);
    this.document = document;
    const [error] = document.errors;
    if (error) {
      const { line, col } = this.lines.linePos(error.pos[0]);
      const what = error.code.toLowerCase().replaceAll('_', ' ');
      throw invalid(`${this.file}:${line}:${col} is not YAML (${what}); correct it`);
    }
    const root = document.contents;
    if (!this.yaml.isMap(root)) {
      throw this.wrong(root, 'the file', 'a map with the fields env_vars and commands');
    }
    const commands = this.field(root, 'commands', '');
    if (!this.yaml.isMap(commands)) throw this.wrong(commands, 'commands', 'a map of commands');
    const backup = this.resolved(commands.get(OPTIONAL, true));
    const isGiven = backup !== undefined && !(this.yaml.isScalar(backup) && backup.value === null);
    const given = REQUIRED.map((name) => [name, this.string(commands, name, 'commands.')] as const);
    return {
      file: this.file,
      envVars: this.envVars(root),
      commands: {
        ...(Object.fromEntries(given) as AdapterConfig['commands']),
        ...(isGiven ? { [OPTIONAL]: this.string(commands, OPTIONAL, 'commands.') } : {}),
      },
    };
  }

  private envVars(root: YAMLMap): AdapterConfig['envVars'] {
    const list = this.field(root, 'env_vars', '');
    if (!this.yaml.isSeq(list)) {
      throw this.wrong(list, 'env_vars', 'a list of key and value, which may be []');
    }
    return list.items.map((listed, index) => {
      const item = this.resolved(listed);
      const name = `env_vars[${index}]`;
      if (!this.yaml.isMap(item)) throw this.wrong(item as Node, name, 'a map with key and value');
      const key = this.string(item, 'key', `${name}.`);
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) {
        throw this.wrong(item, `${name}.key`, 'the name of an environment variable');
      }
      const value = this.string(item, 'value', `${name}.`);
      if (value.includes('\0')) throw this.wrong(item, `${name}.value`, 'text without NUL');
      return { key, value };
    });
  }

  private field(map: YAMLMap, name: string, path: string): Node {
    const value = this.resolved(map.get(name, true));
    if (value === undefined || value === null) {
      throw this.wrong(map, `${path}${name}`, 'given; it is missing');
    }
    return value as Node;
  }

  /** What stands at the anchor of an alias. */
  private resolved(node: unknown): unknown {
    return this.yaml.isAlias(node) ? node.resolve(this.document!) : node;
  }

  private string(map: YAMLMap, name: string, path: string): string {
    const node = this.field(map, name, path);
    if (this.yaml.isScalar(node)) {
      const { value, source } = node;
      if (typeof value === 'string') return value;
      // A number or a boolean stays as it is written; so does nothing, of which no command is made.
      if (source !== undefined && (value !== null || name === 'value')) return source;
    }
    throw this.wrong(node, `${path}${name}`, 'text');
  }

  private wrong(at: Node | null | undefined, field: string, expected: string): StorageError {
    const start = at?.range?.[0];
    const where = start === undefined ? '' : `:${this.lines.linePos(start).line}`;
    return invalid(`${this.file}${where}: ${field} must be ${expected}; correct the file`);
  }
}

function invalid(why: string, cause?: unknown): StorageError {
  return new StorageError('ADAPTER_INVALID', '', why, { cause });
}
