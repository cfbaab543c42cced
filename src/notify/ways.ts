import { commandWay } from './command.js';
import type { NotifySettings } from './settings.js';
import type { Way } from './way.js';
import { webhookWay } from './webhook.js';

/** The ways that settings name. */
export function waysOf({ webhook, command }: NotifySettings): Way[] {
  return [...(webhook ? [webhookWay(webhook)] : []), ...(command ? [commandWay(command)] : [])];
}
