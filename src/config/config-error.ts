import { UsageError } from '../client/command-failure.js';

/** A configuration file cannot be used. Each of its problems is one line that names the file and, mostly, the place. */
export class ConfigError extends UsageError {
  constructor(
    readonly problems: readonly string[],
    options?: ErrorOptions,
  ) {
    super(problems.join('\n'), options);
  }
}
