import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';

/** The arguments of one call of `grow`. */
export interface GrowthStep {
  transactions: number;
  epochs: number;
  /** The clock of its blocks, unix milliseconds. Without it, each block takes one second. */
  at?: number;
}

/**
 * A file with one line for each growth of a chain, so that a restarted node has the same chain again. Each step is
 * written before the node serves the new versions.
 */
export class GrowthJournal {
  constructor(private readonly file: string) {}

  /** Reads all steps. @throws Error that names a line that is no step */
  read(): GrowthStep[] {
    if (!existsSync(this.file)) return [];
    const text = readFileSync(this.file, 'utf8');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    // An incomplete last line is of a writer that died. It never served that step, so the step is dropped.
    if (whole.length < text.length) truncateSync(this.file, Buffer.byteLength(whole));
    const lines = whole.split('\n').slice(0, -1);
    return lines.map((line, i) => {
      const step = JSON.parse(line) as Partial<GrowthStep>;
      const { transactions, epochs } = step;
      if (Number.isSafeInteger(transactions) && Number.isSafeInteger(epochs)) {
        return step as GrowthStep;
      }
      throw new Error(`${this.file}, line ${i + 1}: not a step of growth: ${line.slice(0, 80)}`);
    });
  }

  add(step: GrowthStep): void {
    appendFileSync(this.file, `${JSON.stringify(step)}\n`);
  }
}
