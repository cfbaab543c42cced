import { NodeError } from './node-error.js';

/** What a client asks before it uses a node whose use is limited. Its waits are ours, and none of the node. */
export interface NodeGate {
  /** Waits until one more stream may be open. @throws the signal's reason */
  stream(signal?: AbortSignal): Promise<StreamSlot>;
  /** Waits until a request may be sent, or until bytes that came may be passed on. @throws the signal's reason */
  pass(use: NodeUse, signal?: AbortSignal): Promise<void>;
}

export interface NodeUse {
  requests?: number;
  bytes?: number;
}

/** The right to have one stream open. */
export interface StreamSlot {
  /** Aborts when the right has ended, and the stream must be closed. */
  lost: AbortSignal;
  /** Gives the right back. The stream is closed. */
  end(): void;
}

/** The error of a stream whose slot was lost. */
export function slotLost(address: string): NodeError {
  const why =
    'the stream was closed by us: its use of the node is limited, and no Temporal server has answered for a minute, so nobody knows who else uses the node';
  return new NodeError('NODE_STREAM_CUT', address, why, undefined);
}
