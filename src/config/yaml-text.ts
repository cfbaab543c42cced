import { readFileSync, statSync } from 'node:fs';
import {
  type Document,
  LineCounter,
  type Node,
  type YAMLError,
  type YAMLMap,
  isAlias,
  isMap,
  isNode,
  isScalar,
  parseDocument,
  visit,
} from 'yaml';
import { withoutSecrets } from '../lib/without-secrets.js';
import { ConfigError } from './config-error.js';

const MOST_BYTES = 256 * 1024;
/** More mistakes than this are no mistakes in settings: it is another kind of file. */
const MOST_PROBLEMS = 20;

/** What is nested some hundred times takes more stack than the parser has. */
const STACK_IS_FULL = /call stack/;

/** The YAML of a configuration file. Collects what is wrong with it, each with its place. */
export class YamlText {
  readonly root: YAMLMap;
  private readonly lines = new LineCounter();
  private readonly document: Document.Parsed;
  private readonly problems: { at: number; text: string }[] = [];

  /** `file`: as messages name it. @throws ConfigError when the text is no YAML, or no map of settings */
  constructor(
    private readonly file: string,
    readonly text: string,
  ) {
    this.document = this.parsed();
    for (const error of [...this.document.errors, ...this.document.warnings]) {
      this.add(error.pos[0], notYaml(error, text));
    }
    this.refuseAliases();
    this.done();
    const { contents } = this.document;
    if (contents === null || (isScalar(contents) && contents.value === null)) {
      throw new ConfigError([`${file} is empty: see aptos-backup config example`]);
    }
    if (!isMap(contents)) {
      this.add(contents.range[0], 'the file must be a map of settings, like "storage: /backups"');
      this.done();
    }
    this.root = contents as YAMLMap;
  }

  /** Notes a problem at the offset of a node. */
  add(at: number, text: string): void {
    this.problems.push({ at, text });
  }

  /** @throws ConfigError with all problems, in the order of their places, if there are any */
  done(): void {
    if (this.problems.length === 0) return;
    const sorted = this.problems.sort((a, b) => a.at - b.at);
    const shown = sorted.slice(0, MOST_PROBLEMS).map(({ at, text }) => {
      const { line, col } = this.lines.linePos(at);
      return withoutSecrets(`${this.file}, line ${line}, column ${col}: ${text}`, {});
    });
    const left = sorted.length - shown.length;
    throw new ConfigError([...shown, ...(left > 0 ? [`${this.file}: and ${left} more`] : [])]);
  }

  lineOf(node: Node | undefined): number {
    return this.lines.linePos(node?.range?.[0] ?? 0).line;
  }

  /** What a node holds, as JSON would have it. */
  valueOf(node: Node): unknown {
    return node.toJS(this.document, { maxAliasCount: 0 });
  }

  private parsed(): Document.Parsed {
    const options = { lineCounter: this.lines, prettyErrors: false, logLevel: 'error' } as const;
    const document = parseDocument(this.text, options);
    if (document.errors.some(({ message }) => STACK_IS_FULL.test(message))) {
      throw new ConfigError([`${this.file} is nested too deep to be settings`]);
    }
    return document;
  }

  /** A few lines of aliases can make a value of any size. */
  private refuseAliases(): void {
    if (this.document.errors.length > 0) return;
    visit(this.document, (_, node) => {
      if (!isNode(node)) return;
      if (isAlias(node) || node.anchor !== undefined) {
        this.add(node.range?.[0] ?? 0, 'anchors and aliases are not used here; write the value');
      }
    });
  }
}

/** Reads the file. `shown`: its name in messages. @throws ConfigError */
export function readText(file: string, shown: string): string {
  try {
    const stat = statSync(file);
    if (!stat.isFile()) throw new ConfigError([`${shown} is no file; name a YAML file`]);
    if (stat.size > MOST_BYTES) {
      const size = `${stat.size} bytes, and a configuration has at most ${MOST_BYTES}`;
      throw new ConfigError([`${shown} is too large: ${size}; is it another file?`]);
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    if (error instanceof TypeError) throw new ConfigError([`${shown} is no text in UTF-8`]);
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`;
    const problem = `${shown} ${why}; check --config, or APTOS_BACKUP_CONFIG`;
    throw new ConfigError([problem], { cause: error });
  }
}

function notYaml({ code, message, pos }: YAMLError, text: string): string {
  switch (code) {
    case 'DUPLICATE_KEY': {
      const [name = ''] = /^[^\s:]*/.exec(text.slice(pos[0])) ?? [];
      return `${name} is given twice; remove one of them`;
    }
    case 'TAB_AS_INDENT':
      return 'a tab; indent with blanks';
    case 'MULTIPLE_DOCS':
      return 'a second document begins; a configuration is one, without "---" inside';
    default:
      return `this is not YAML: ${message}`;
  }
}
