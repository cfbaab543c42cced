import type { Command } from 'commander';
import type { AddCommand } from './add-command.js';
import { UPDATE_PAUSE, UPDATE_RESUME } from '../contract/messages.js';
import {
  backUpNow,
  retryAll,
  retryUnits,
  setConcurrency,
  showStatus,
  tellPause,
} from './coordinator-commands.js';
import { type NowFlags, nowRequest } from './now.js';
import { type CommonFlags, addCommonOptions } from './options.js';
import { addStorageName, namesStorage } from './storage-options.js';
import { type CheckFlags, addCheckOptions, checkStatus } from './status-check.js';
import { runList, runStop } from './stop-command.js';

const STREAM = 'epoch-ending, state-snapshot or transaction';

/** Adds the commands for running coordinators. `add` makes a subcommand; `signal` ends what it does. */
export function addControlCommands(program: Command, add: AddCommand, signal: AbortSignal): void {
  const control = (name: string, description: string) => {
    const when = '; needed if several coordinators run';
    return addCommonOptions(addStorageName(add(program, name, description), when));
  };
  addStatus(control('status', 'show what the coordinator does'), signal);
  const list = add(program, 'list', 'show what is followed here: storage, node, state');
  addCommonOptions(list).action((flags: CommonFlags) => runList(flags, signal));
  control('stop', 'end the coordinator of a storage; what is stored stays')
    .option('--all', 'end all coordinators')
    .action((flags: CommonFlags & { all?: boolean }) => runStop(flags, signal));
  for (const [name, update, what] of [
    ['pause', UPDATE_PAUSE, 'start no new work'],
    ['resume', UPDATE_RESUME, 'go on after a pause'],
  ] as const) {
    control(name, `${what}, in one stream or all`)
      .argument('[stream]', STREAM)
      .action((stream: string | undefined, flags: CommonFlags) =>
        tellPause(flags, signal, update, stream),
      );
  }
  control('retry', 'try failed units now, instead of after their rest')
    .argument(
      '[unit]',
      'a unit, as status names it (default: everything on the server that waits for a retry)',
    )
    .action((unit: string | undefined, flags: CommonFlags) =>
      unit === undefined && !namesStorage(flags)
        ? retryAll(flags, signal)
        : retryUnits(flags, signal, unit),
    );
  control('concurrency', 'change how many ranges each stream has in flight')
    .argument('<N>')
    .action((n: string, flags: CommonFlags) => setConcurrency(flags, signal, n));
  addNow(control('now', 'back up now what the node has, or a range'), signal);
}

function addStatus(status: Command, signal: AbortSignal): void {
  addCheckOptions(status).action(async (flags: CommonFlags & CheckFlags) => {
    if (flags.check) process.exitCode = await checkStatus(flags, signal);
    else await showStatus(flags, signal);
  });
}

function addNow(now: Command, signal: AbortSignal): void {
  now
    .argument('<stream>', STREAM)
    .option('--start-epoch <EPOCH>', 'first epoch of the range')
    .option('--end-epoch <EPOCH>', 'first epoch that is left out')
    .option('--state-snapshot-epoch <EPOCH>', 'epoch whose last state is backed up')
    .option('--start-version <VERSION>', 'first version of the range')
    .option('--num_transactions <N>', 'how many transactions')
    .option('--num-transactions <N>', 'the same as --num_transactions')
    .action((stream: string, flags: CommonFlags & NowFlags) =>
      backUpNow(flags, signal, nowRequest(stream, flags)),
    );
}
