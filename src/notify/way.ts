import type { NotificationWay } from '../contract/answers/shown-answers.js';
import type { Message } from './message.js';

/** A way on which messages are sent. */
export interface Way {
  name: NotificationWay['way'];
  /** For people, without secrets: the server of a webhook, or a program. */
  to: string;
  /** The same for the same receiver. It says nothing about secrets. */
  id: string;
  /**
   * Sends a message once. Returns what the receiver answered, in a line.
   * @throws Error that says in a line why it did not get through; the reason of `signal`
   */
  send(message: Message, signal: AbortSignal): Promise<string>;
}
