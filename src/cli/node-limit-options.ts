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

/** Those of the copy that a coordinator keeps in step. */
export interface CopyLimitFlags {
  copyBytesPerSecond?: string;
  copyRequestsPerSecond?: string;
}

/** The value of a flag that ends a limit. */
const NO_LIMIT = 'none';

const FIELDS = {
  node_streams: 'nodeStreams',
  node_requests_per_second: 'nodeRequestsPerSecond',
  node_bytes_per_second: 'nodeBytesPerSecond',
} as const satisfies Record<string, keyof NodeLimitFlags>;
const COPY_FIELDS = {
  copy_bytes_per_second: 'copyBytesPerSecond',
  copy_requests_per_second: 'copyRequestsPerSecond',
} as const satisfies Record<string, keyof CopyLimitFlags>;

type Given<F, T> = { [K in keyof F]?: T };

/** The fields of an input that these flags give. */
export function nodeLimits(flags: NodeLimitFlags): Given<typeof FIELDS, string> {
  return fieldsOf(FIELDS, flags, (value) => value !== NO_LIMIT);
}

/** The same of a copy. */
export function copyLimits(flags: CopyLimitFlags): Given<typeof COPY_FIELDS, string> {
  return fieldsOf(COPY_FIELDS, flags, (value) => value !== NO_LIMIT);
}

/** Takes the limits back that the flags end. */
export function endedLimits(
  flags: NodeLimitFlags & CopyLimitFlags,
): Given<typeof FIELDS & typeof COPY_FIELDS, null> {
  const ended = fieldsOf({ ...FIELDS, ...COPY_FIELDS }, flags, (value) => value === NO_LIMIT);
  return Object.fromEntries(Object.keys(ended).map((name) => [name, null]));
}

function fieldsOf<F extends Record<string, string>>(
  fields: F,
  flags: { [K in F[keyof F]]?: string },
  wanted: (value: string) => boolean,
): Given<F, string> {
  const given = (Object.entries(fields) as [keyof F, F[keyof F]][]).flatMap(([name, flag]) => {
    const value: string | undefined = flags[flag];
    return value !== undefined && wanted(value) ? [[name, value] as const] : [];
  });
  return Object.fromEntries(given) as Given<F, string>;
}
