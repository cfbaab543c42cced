import type { Command } from 'commander';

/** Makes a subcommand that handles errors like its parent. */
export type AddCommand = (parent: Command, name: string, description: string) => Command;
