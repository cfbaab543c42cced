import { visible } from '../lib/visible.js';

/**
 * A terminal with a board at its lower end. Lines that are said scroll away above the board. Lines of the board are
 * wrapped, not cut.
 */
export class Screen {
  private board: string[] = [];
  /** The rows of the board that are on the screen now. */
  private shown: string[] = [];

  constructor(
    private readonly stream: Pick<
      NodeJS.WriteStream,
      'write' | 'columns' | 'rows'
    > = process.stderr,
  ) {}

  /** Prints a line that stays. */
  say(line: string): void {
    this.write(`${this.erasure()}${visible(line)}\n`);
  }

  /** Shows these lines in place of the ones before. */
  show(lines: readonly string[]): void {
    // A new line or a tab in a reason would take more room than is known, and so leave traces.
    const plain = lines.map((line) => visible(line).replace(/[\n\t]+/g, ' '));
    this.board = plain.flatMap((line) => wrapped(line, this.width));
    this.write(this.erasure());
  }

  /** Leaves the board where it is; what follows is printed below it. */
  leave(): void {
    this.board = [];
    this.shown = [];
  }

  private write(text: string): void {
    const most = Math.max(1, (this.stream.rows || 24) - 1);
    const left = this.board.length - most;
    // What has scrolled out of the window can never be erased.
    this.shown =
      left <= 0
        ? this.board
        : [
            ...this.board.slice(0, most - 1),
            `... ${left + 1} lines more; see: aptos-backup status`.slice(0, this.width),
          ];
    this.stream.write([text, ...this.shown.map((row) => `${row}\n`)].join(''));
  }

  /** What erases the board. The window may have become narrower, so that a row takes several now. */
  private erasure(): string {
    const rows = this.shown.reduce(
      (sum, row) => sum + Math.max(1, Math.ceil(row.length / (this.width + 1))),
      0,
    );
    return rows > 0 ? `\u001b[${rows}A\u001b[0J` : '';
  }

  /** At least 1: in rows without room nothing would ever be whole. */
  private get width(): number {
    return Math.max(1, (this.stream.columns || 80) - 1);
  }
}

/** Breaks a line at blanks into rows of at most `width`. The rows after the first are indented. */
function wrapped(line: string, width: number): string[] {
  const indent = ' '.repeat(Math.min(4 + line.search(/\S|$/), Math.floor(width / 2)));
  const rows: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const begin = rest.search(/\S/);
    const blank = rest.lastIndexOf(' ', width);
    const at = blank > begin ? blank : width;
    rows.push(rest.slice(0, at));
    rest = indent + rest.slice(at).trimStart();
  }
  return [...rows, rest];
}
