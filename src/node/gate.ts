import { NodeError } from './node-error.js';

/** What a client asks before it uses a node whose use is limited. Its waits are ours, and none of the node. */
export interface NodeGate {
  /**
   * Waits until one more stream may be open. `givesWay`: it is closed again when a stream that does not give way has to
   * wait. So whoever reads one that gives way may wait for another stream meanwhile. @throws the signal's reason
   */
  stream(signal?: AbortSignal, givesWay?: boolean): Promise<StreamSlot>;
  /** Waits until a request may be sent, or until bytes that came may be passed on. @throws the signal's reason */
  pass(use: NodeUse, signal?: AbortSignal): Promise<void>;
}

export interface NodeUse {
  requests?: number;
  bytes?: number;
}

/** The right to have one stream open. */
export interface StreamSlot {
  /** Aborts when the right has ended, and the stream must be closed: with GaveWay, or with NODE_SHARE_LOST. */
  lost: AbortSignal;
  /** Gives the right back. The stream is closed. */
  end(): void;
}

/** The end of a stream that gave way. Its reader asks for the rest, and waits until it may. */
export class GaveWay extends Error {
  constructor() {
    super('the stream gave way to others, because the streams of the node are limited');
  }
}

/** The error of a stream whose slot was lost. */
export function slotLost(address: string): NodeError {
  const why =
    'the stream was closed by us: its use of the node is limited, and nobody has given this process a share of the limits for a minute; the log of the worker says why';
  return new NodeError('NODE_SHARE_LOST', address, why, undefined);
}
