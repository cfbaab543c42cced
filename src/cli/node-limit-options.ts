import type { Command } from 'commander';
import { optional } from './optional.js';

/** For whom the limits hold. */
const TOGETHER = 'all work of this Temporal server together';

/** Flags that spare the nodes of a job. */
export function addNodeLimitOptions(command: Command): Command {
  return command
    .option('--node-streams <N>', `open at most N streams to a node at once, ${TOGETHER}`)
    .option(
      '--node-requests-per-second <N>',
      `send at most N requests a second to a node, ${TOGETHER}`,
    )
    .option(
      '--node-bytes-per-second <N>',
      `read at most N bytes a second from a node, ${TOGETHER}`,
    );
}

export interface NodeLimitFlags {
  nodeStreams?: string;
  nodeRequestsPerSecond?: string;
  nodeBytesPerSecond?: string;
}

/** The fields of an input that these flags give. */
export function nodeLimits(flags: NodeLimitFlags) {
  return {
    ...optional('node_streams', flags.nodeStreams),
    ...optional('node_requests_per_second', flags.nodeRequestsPerSecond),
    ...optional('node_bytes_per_second', flags.nodeBytesPerSecond),
  };
}
