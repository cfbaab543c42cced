import type { Command } from 'commander';

/** For whom the limits hold. */
const TOGETHER = 'all work of this Temporal server together';

/** Flags that spare the nodes of a job. */
export function addNodeLimitOptions(command: Command): Command {
  return command
    .option(
      '--node-streams <N>',
      `open at most N streams to a node at once, ${TOGETHER}; none: no limit`,
    )
    .option(
      '--node-requests-per-second <N>',
      `send at most N requests a second to a node, ${TOGETHER}; none: no limit`,
    )
    .option(
      '--node-bytes-per-second <N>',
      `read at most N bytes a second from a node, ${TOGETHER}; none: no limit`,
    );
}

export interface NodeLimitFlags {
  nodeStreams?: string;
  nodeRequestsPerSecond?: string;
  nodeBytesPerSecond?: string;
}

/** The value of a flag that ends a limit. */
const NO_LIMIT = 'none';

const FIELDS = {
  node_streams: 'nodeStreams',
  node_requests_per_second: 'nodeRequestsPerSecond',
  node_bytes_per_second: 'nodeBytesPerSecond',
} as const satisfies Record<string, keyof NodeLimitFlags>;

/** The fields of an input that these flags give. */
export function nodeLimits(flags: NodeLimitFlags): { [K in keyof typeof FIELDS]?: string } {
  return fieldsOf(flags, (value) => value !== NO_LIMIT);
}

/** Takes the limits back that the flags end. */
export function endedLimits(flags: NodeLimitFlags): { [K in keyof typeof FIELDS]?: null } {
  const ended = fieldsOf(flags, (value) => value === NO_LIMIT);
  return Object.fromEntries(Object.keys(ended).map((name) => [name, null]));
}

function fieldsOf(
  flags: NodeLimitFlags,
  wanted: (value: string) => boolean,
): { [K in keyof typeof FIELDS]?: string } {
  return Object.fromEntries(
    Object.entries(FIELDS).flatMap(([name, flag]) => {
      const value = flags[flag];
      return value !== undefined && wanted(value) ? [[name, value]] : [];
    }),
  );
}
