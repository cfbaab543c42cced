import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type DevnodeOptions, startDevnode } from './devnode.js';

interface Flags {
  port: number;
  controlPort: number;
  host: string;
  genesis?: string;
  format: 'V0' | 'V1';
  seed: number;
  stateItems?: number;
  transactions: number;
  epochs: number;
  validators: number;
  pruneWindow?: number;
  grow: number;
  epochEvery: number;
  empty?: boolean;
  journal?: string;
}

const GROWTH_MS = 500;

/** The flags of `aptos-backup devnode`. */
export function addDevnodeOptions(command: Command): Command {
  return command
    .option('--port <PORT>', 'of the backup service', whole, 6186)
    .option('--control-port <PORT>', 'of the remote control', whole, 6187)
    .option('--host <HOST>', 'address to listen on', '127.0.0.1')
    .option('--genesis <FILE>', "a network's genesis.blob, served as the only version")
    .addOption(new Option('--format <FORMAT>', 'record format').choices(['V0', 'V1']).default('V1'))
    .option('--seed <N>', 'another seed makes another chain', whole, 1)
    .option('--state-items <N>', 'state items at start (default: 2 a transaction)', whole)
    .option('--transactions <N>', 'transactions at start', whole, 1000)
    .option('--epochs <N>', 'epochs that have ended at start', whole, 4)
    .option('--validators <N>', 'validators of each epoch', whole, 4)
    .option('--prune-window <N>', 'versions kept (default: all)', whole)
    .option('--grow <N>', 'transactions added each second', whole, 0)
    .option('--epoch-every <N>', 'an epoch ends after so many versions while growing', whole, 500)
    .option('--journal <FILE>', 'keep growth here, and start with what it holds')
    .option('--empty', 'answer like a node before its genesis');
}

/** Serves until the signal aborts. */
export async function runDevnode(flags: Flags, signal: AbortSignal): Promise<void> {
  const { genesis: file, grow, epochEvery, ...rest } = flags;
  const genesis = file === undefined ? {} : { genesis: new Uint8Array(await readFile(file)) };
  const options: DevnodeOptions = { ...rest, ...genesis, onDie: () => process.exit(1) };
  const node = await startDevnode(options);
  const { genesis_waypoint, epoch, version, state_items } = node.facts();
  console.log(`backup service ${node.address}, control ${node.controlAddress}`);
  console.log(`genesis waypoint ${genesis_waypoint}`);
  console.log(`epoch ${epoch}, version ${version}, ${state_items} state items`);
  let sinceEnd = 0;
  const growing = setInterval(() => {
    const transactions = Math.round((grow * GROWTH_MS) / 1000);
    if (transactions < 2) return;
    sinceEnd += transactions;
    const ends = sinceEnd >= epochEvery;
    if (ends) sinceEnd = 0;
    node.grow({ transactions, epochs: ends ? 1 : 0 });
  }, GROWTH_MS);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
  clearInterval(growing);
  await node.close();
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError('It must be a whole number.');
  }
  return value;
}
