import type { Command } from 'commander';
import { UsageError } from '../client/command-failure.js';

/**
 * Refuses a flag whose value is missing, as when a shell knows no such variable: `--copy-to "$COPY"` is an empty text,
 * which would name the working directory, and `--local-fs-dir $DIR --json` takes the next flag for a folder. @throws UsageError
 */
export function refuseMissing(command: Command): void {
  const all: Command[] = [];
  for (let one: Command | null = command; one; one = one.parent) all.push(one);
  const flags = all.flatMap(({ options }) => options.flatMap(({ long, short }) => [long, short]));
  for (const one of all) {
    for (const option of one.options) {
      const key = option.attributeName();
      if (one.getOptionValueSource(key) !== 'cli') continue;
      const values = [one.getOptionValue(key) as unknown].flat();
      const flag = option.long ?? option.flags;
      if (values.includes('')) throw new UsageError(`${flag} is empty; write a value`);
      const taken = values.find((value) => flags.includes(String(value).split('=')[0]));
      if (typeof taken !== 'string') continue;
      throw new UsageError(`${flag} has no value: "${taken}" after it is a flag`);
    }
  }
}
