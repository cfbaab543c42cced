/** The endpoints with their parameters, in order. Each is the first segment of a path. */
const PARAMETERS = {
  db_state: [],
  epoch_ending_ledger_infos: ['u64', 'u64'],
  transactions: ['u64', 'u64'],
  transaction_range_proof: ['u64', 'u64'],
  state_item_count: ['u64'],
  state_snapshot_chunk: ['u64', 'u64', 'u64'],
  state_snapshot: ['u64'],
  state_range_proof: ['u64', 'hash'],
  state_root_proof: ['u64'],
} as const satisfies Record<string, readonly ('u64' | 'hash')[]>;

export type Endpoint = keyof typeof PARAMETERS;
export const ENDPOINTS = Object.keys(PARAMETERS) as Endpoint[];

/** A request whose parameters have the right form. `numbers`: its u64 parameters; those that are missing are 0. */
export interface ServiceRequest {
  endpoint: Endpoint;
  numbers: readonly [bigint, bigint, bigint];
  /** The key hash, of `state_range_proof` alone. */
  key: Uint8Array | undefined;
}

export const MAX_U64 = 2n ** 64n - 1n;

/** Splits a path into endpoint and parameters; undefined when there is no such endpoint. */
export function parsePath(url: string): { endpoint: Endpoint; params: string[] } | undefined {
  const path = url.split('?')[0]!;
  const [, first, ...rest] = path.split('/');
  const endpoint = ENDPOINTS.find((name) => name === first);
  if (!endpoint) return undefined;
  if (rest.at(-1) === '') rest.pop(); // the real service accepts a trailing slash
  return { endpoint, params: rest };
}

/** Reads the parameters of an endpoint; undefined when their number or form is wrong. */
export function parseParameters(
  endpoint: Endpoint,
  params: readonly string[],
): ServiceRequest | undefined {
  const forms: readonly string[] = PARAMETERS[endpoint];
  if (params.length !== forms.length) return undefined;
  const numbers: bigint[] = [];
  let key: Uint8Array | undefined;
  for (const [i, text] of params.entries()) {
    if (forms[i] === 'hash') {
      if (!/^[0-9a-fA-F]{64}$/.test(text)) return undefined;
      key = Uint8Array.from(Buffer.from(text, 'hex'));
      continue;
    }
    const value = parseU64(text);
    if (value === undefined) return undefined;
    numbers.push(value);
  }
  const [a = 0n, b = 0n, c = 0n] = numbers;
  return { endpoint, numbers: [a, b, c], key };
}

/** Parses a u64 as Rust does: it accepts a plus sign and leading zeros, and nothing else. */
function parseU64(text: string): bigint | undefined {
  if (!/^\+?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.replace('+', ''));
  return value <= MAX_U64 ? value : undefined;
}

/** A u64 as the service sends it. */
export function encodeU64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

/** The answer to `db_state`: the epoch and version of the newest ledger info; undefined before genesis. */
export function encodeDbState(state: { epoch: bigint; version: bigint } | undefined): Uint8Array {
  if (!state) return Uint8Array.of(0);
  return Buffer.concat([Uint8Array.of(1), encodeU64(state.epoch), encodeU64(state.version)]);
}
