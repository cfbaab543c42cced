import type { Command } from 'commander';

/** Flags of notifications. */
export function addNotifyOptions(command: Command): Command {
  return command
    .option(
      '--notify-webhook <URL>',
      'send alarms with POST to this URL, as JSON that Slack and Mattermost show, too',
    )
    .option('--notify-webhook-file <FILE>', 'the same with the URL in a file, if it is a secret')
    .option(
      '--notify-webhook-headers-file <FILE>',
      'headers for it in a file, one "Name: value" a line',
    )
    .option(
      '--notify-command <PROGRAM...>',
      'run this program for alarms, without a shell; a single text that begins with [ is a JSON list',
    )
    .option('--notify-after <TIME>', 'tell only what lasts for so long (default: 60s)')
    .option('--notify-remind <TIME>', 'tell again what still lasts; 0: never (default: 24h)');
}
