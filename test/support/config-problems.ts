import { ConfigError } from '../../src/config/config-error.js';
import { parseConfig } from '../../src/config/read-config.js';

/** The problems of a text, without the name of the file. */
export function problemsOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map((one) => one.replace('c.yaml', 'C'));
    throw error;
  }
  return [];
}
/** The problems of the configuration with these lines. */
export const problems = (...lines: string[]) =>
  problemsOf(() => parseConfig('c.yaml', lines.join('\n')));
