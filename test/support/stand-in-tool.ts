import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The state root of the stock fixtures at version 240. */
export const ROOT_240 = '2bfc4f97cda7bde299279c64a0b62c6fbeaaddb2e4c1343c9c9a233a2f972c08';

/** How a stand-in for the stock tool ends its restore. */
const ENDINGS = {
  succeeds: 'say "Restore coordinator exiting with success."',
  'says no success': ':',
  panics: `echo "thread 'main' panicked at storage/backup/x.rs:193: Cannot find tree snapshot before target version" >&2; exit 101`,
  fails: `say 'Restore coordinator failed. {"error":"epoch history restore failed"}'; echo 'Error: epoch history restore failed' >&2; exit 1`,
  'quotes its adapter': `echo 'curl: (22) https://reader:hunter22@backups.example/x?sig=abcdef said 403' >&2; echo "Error: command failed: curl -H 'authorization: Bearer s3cr3t-of-adapter'" >&2; exit 1`,
  'is killed': 'kill -KILL $$',
  hangs: 'sleep 1000 & echo $! >> "$here/pids"; wait',
  'shows dots':
    'for i in 1 2 3 4 5 6 7 8; do printf .; sleep 1; done; echo; say "Restore coordinator exiting with success."',
  'says too much':
    'yes "a line that nobody reads" | head -n 100000; head -c 3000000 /dev/zero | tr "\\0" x; echo; say "Restore coordinator exiting with success."',
  'hangs once':
    'if [ ! -e "$here/once" ]; then touch "$here/once"; sleep 1000 & echo $! >> "$here/pids"; wait; fi; say "Restore coordinator exiting with success."',
};

export interface StandIn {
  path: string;
  /** What it was called with, a call a line. */
  calls(): string[];
  /** Processes of it, and those that it has started. */
  pids(): number[];
}

/**
 * A program in the place of the stock tool. It says what a restore of the stock fixtures says, in the tool's own form,
 * and writes into the new database.
 */
export function standIn(
  folder: string,
  ending: keyof typeof ENDINGS,
  said: { root?: string | undefined; version?: number } = {},
): StandIn {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'aptos-db-tool');
  const root = 'root' in said ? said.root : ROOT_240;
  writeFileSync(path, script(folder, root, said.version ?? 250, ENDINGS[ending]));
  chmodSync(path, 0o755);
  const lines = (name: string) => {
    const file = join(folder, name);
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  };
  return { path, calls: () => lines('calls'), pids: () => lines('pids').map(Number) };
}

function script(here: string, root: string | undefined, version: number, end: string): string {
  const store = `{"latest_snapshot_root_hash":"${root}","latest_snapshot_version":240}`;
  return `#!/bin/bash
here='${here}'
echo "$@" >> "$here/calls"
echo $$ >> "$here/pids"
while [ $# -gt 0 ]; do
  if [ "$1" = --target-db-dir ]; then db=$2; fi
  shift
done
say() { printf '%s [main] INFO storage/backup/x.rs:1 %s\\n' "$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)" "$1"; }
mkdir -p "$db/ledger_db"
head -c 100000 /dev/zero > "$db/ledger_db/1.sst"
say "Restore coordinator started."
say "state snapshot restore started. Manifest: state_epoch_5_ver_240.d6e6/state.manifest"
say 'State chunk added. {"chunk":0,"chunks_to_add":1,"last_idx":299,"values_per_second":504}'
${root === undefined ? '' : `say 'StateStore initialization finished. ${store}'`}
say "transaction restore started."
say 'Transactions saved. {"accumulative_tps":1008,"version":206}'
say 'Transactions saved. {"accumulative_tps":1008,"version":240}'
say 'Transactions replayed. {"accumulative_tps":100,"version":${version}}'
${end}
`;
}
