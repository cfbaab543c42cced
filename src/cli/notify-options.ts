import type { Command } from 'commander';

/** Flags of notifications. */
export function addNotifyOptions(command: Command): Command {
  return command
    .option(
      '--notify-webhook <URL>',
      'send alarms with POST to this URL, as JSON that Slack and Mattermost show, too',
    )
    .option(
      '--notify-webhook-file <FILE>',
      'send alarms to the URL in this file, for a URL that is a secret',
    )
    .option(
      '--notify-webhook-headers-file <FILE>',
      'a file with headers for the webhook, one "Name: value" a line',
    )
    .option(
      '--notify-command <PROGRAM...>',
      'run this program for alarms, without a shell; a single text that begins with [ is a JSON list',
    )
    .option('--notify-after <TIME>', 'send only what lasts for so long (default: 60s)')
    .option('--notify-remind <TIME>', 'send again what still lasts; 0: never (default: 24h)');
}
