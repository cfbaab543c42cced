import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';

/** One call of `grow`. */
export interface GrowthStep {
  transactions: number;
  epochs: number;
}

/**
 * How a chain grew, in a file of one step a line, so that a node which is started again has the chain
 * it had. A step is written before anybody sees what it adds.
 */
export class GrowthJournal {
  constructor(private readonly file: string) {}

  /** @throws Error naming the line that is no step */
  read(): GrowthStep[] {
    if (!existsSync(this.file)) return [];
    const text = readFileSync(this.file, 'utf8');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    // A writer that died in a line never showed what that step adds.
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
