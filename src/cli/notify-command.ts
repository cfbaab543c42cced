import { hostname } from 'node:os';
import type { Command } from 'commander';
import type { AddCommand } from './add-command.js';
import { Interrupted, UsageError } from '../client/command-failure.js';
import { testMessage } from '../notify/message.js';
import { type NotifyFlags, notifySettings } from '../notify/settings.js';
import { waysOf } from '../notify/ways.js';
import { addNotifyOptions } from './notify-options.js';
import { aboutStorage } from './open-notifier.js';
import { type CommonFlags, addCommonOptions } from './options.js';
import { addStorageName, namesStorage, storageOf } from './storage-options.js';
import { print } from './print.js';

export const NOTIFY = 'notifications of alarms';

/** Adds `notify test`. */
export function addNotifyCommands(parent: Command, add: AddCommand, signal: AbortSignal): void {
  const test = add(parent, 'test', 'send a test notification, and print what the receiver answers');
  addCommonOptions(addStorageName(addNotifyOptions(test), ', to be named in it')).action(
    async (flags: CommonFlags & NotifyFlags) => {
      process.exitCode = await runNotifyTest(flags, signal);
    },
  );
}

/** `notify test`: sends one message on each way. Returns 0 when all are delivered, else 1. @throws UsageError */
async function runNotifyTest(flags: CommonFlags & NotifyFlags, signal: AbortSignal) {
  const settings = notifySettings(flags, process.env);
  if (!settings) {
    throw new UsageError('say where to: --notify-webhook URL or --notify-command PROGRAM');
  }
  const about = namesStorage(flags) ? aboutStorage(storageOf(flags)) : { host: hostname() };
  const message = testMessage(about, Date.now());
  const results = await Promise.all(
    waysOf(settings).map(async (one) => {
      const { name: way, to } = one;
      try {
        return { way, to, delivered: true, answer: await one.send(message, signal) };
      } catch (error) {
        if (signal.aborted) throw new Interrupted('interrupted');
        return { way, to, delivered: false, answer: (error as Error).message };
      }
    }),
  );
  if (flags.json) print(JSON.stringify({ results, message }));
  for (const { way, to, delivered, answer } of flags.json ? [] : results) {
    print(`${way} ${to}: ${delivered ? 'delivered' : 'NOT delivered'}, ${answer}`);
  }
  return results.every(({ delivered }) => delivered) ? 0 : 1;
}
