import { StringDecoder } from 'node:string_decoder';

/** No line that means anything is longer. The rest of a longer one is dropped, so that it takes no memory. */
const MOST_CHARACTERS = 16_384;

/** Cuts what a program prints into lines, however much it prints without an end of line. */
export class OutputLines {
  private readonly decoder = new StringDecoder('utf8');
  private begun = '';

  constructor(private readonly onLine: (line: string) => void) {}

  push(bytes: Uint8Array): void {
    const [rest, ...lines] = this.decoder.write(bytes).split(/\r\n|\n|\r/);
    this.add(rest!);
    for (const line of lines) {
      this.end();
      this.add(line);
    }
  }

  /** The last line may have no end. */
  end(): void {
    const line = this.begun;
    this.begun = '';
    if (line !== '') this.onLine(line);
  }

  private add(text: string): void {
    this.begun += text.slice(0, MOST_CHARACTERS - this.begun.length);
  }
}
