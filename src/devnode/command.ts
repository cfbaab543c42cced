import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { FUTURE_FORMS, type FutureForm } from './chain/future.js';
import { UNSIGNED_KINDS, type UnsignedKind } from './chain/unsigned.js';
import { type Devnode, type DevnodeOptions, startDevnode } from './devnode.js';

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
  unsignedUntilEpoch?: number;
  unsignedKind: UnsignedKind;
  pruneWindow?: number;
  grow: number;
  epochEvery: number;
  empty?: boolean;
  journal?: string;
  futureRecords?: FutureForm[];
  futureFrom: number;
  startTime?: number | 'now';
}

const GROWTH_MS = 500;

/** Adds the flags of `aptos-backup devnode` to a command. */
export function addDevnodeOptions(command: Command): Command {
  return command
    .option('--port <PORT>', 'port of the backup service', port, 6186)
    .option('--control-port <PORT>', 'port that takes faults and growth', port, 6187)
    .option('--host <HOST>', 'address to listen on', '127.0.0.1')
    .option('--genesis <FILE>', "a network's genesis.blob, served as the only version")
    .addOption(new Option('--format <FORMAT>', 'record format').choices(['V0', 'V1']).default('V1'))
    .option('--seed <N>', 'seed of the chain', whole, 1)
    .option(
      '--state-items <N>',
      'state items at the start (default: 2 for each transaction)',
      whole,
    )
    .option('--transactions <N>', 'transactions at the start', whole, 1000)
    .option('--epochs <N>', 'epochs that have ended at the start', whole, 4)
    .option('--validators <N>', 'validators of each epoch', whole, 4)
    .option('--unsigned-until-epoch <N>', 'history up to the end of epoch N is unsigned', whole)
    .addOption(
      new Option('--unsigned-kind <KIND>', 'what unsigned ledger infos carry instead of signatures')
        .choices(UNSIGNED_KINDS)
        .default('none'),
    )
    .option('--prune-window <N>', 'how many versions the node keeps (default: all)', whole)
    .option('--grow <N>', 'transactions added each second', whole, 0)
    .option('--epoch-every <N>', 'versions of an epoch while the chain grows', whole, 500)
    .option('--start-time <S>', 'when the chain began, in unix seconds, or "now"', timeOrNow)
    .option('--journal <FILE>', 'write growth to this file, and start with what it holds')
    .option(
      '--future-records <FORMS>',
      `records in newer forms: ${FUTURE_FORMS.join(',')}`,
      futureForms,
    )
    .option('--future-from <VERSION>', 'first version with newer forms', whole, 1)
    .option('--empty', 'answer like a node before its genesis');
}

/** Runs a simulated node until the signal aborts, and lets its chain grow. */
export async function runDevnode(flags: Flags, signal: AbortSignal): Promise<void> {
  const { genesis: file, grow, epochEvery, futureRecords: forms, futureFrom, ...rest } = flags;
  const genesis = file === undefined ? {} : { genesis: new Uint8Array(await readFile(file)) };
  const future = forms ? { future: { forms, from: futureFrom } } : {};
  const options: DevnodeOptions = {
    ...rest,
    ...genesis,
    ...future,
    onDie: () => process.exit(1),
  };
  const node = await startDevnode(options);
  const { genesis_waypoint, epoch, version, state_items } = node.facts();
  console.log(`backup service ${node.address}, control ${node.controlAddress}`);
  console.log(`genesis waypoint ${genesis_waypoint}`);
  console.log(`epoch ${epoch}, version ${version}, ${state_items} state items`);
  const tellWaypoint = waypointTeller(node);
  let sinceEnd = 0;
  const growing = setInterval(() => {
    const transactions = Math.round((grow * GROWTH_MS) / 1000);
    if (transactions < 2) return;
    sinceEnd += transactions;
    const ends = sinceEnd >= epochEvery;
    if (ends) sinceEnd = 0;
    // A chain that begins now follows the clock, or its tip would stay new after its death.
    const at = flags.startTime === 'now' ? { at: Date.now() } : {};
    node.grow({ transactions, epochs: ends ? 1 : 0, ...at });
    tellWaypoint();
  }, GROWTH_MS);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
  clearInterval(growing);
  await node.close();
}

/** Prints once the waypoint to trust, as soon as the unsigned part of the history has ended. */
function waypointTeller(node: Devnode): () => void {
  let told = false;
  const tell = () => {
    const { trust_waypoint: waypoint } = node.facts();
    if (told || waypoint === undefined) return;
    told = true;
    console.log(`unsigned history ends here: --trust-waypoint ${waypoint}`);
  };
  tell();
  return tell;
}

function timeOrNow(text: string): number | 'now' {
  return text === 'now' ? text : whole(text);
}

function port(text: string): number {
  const value = whole(text);
  if (value <= 65_535) return value;
  throw new InvalidArgumentError('It must be a port, from 0 to 65535.');
}

function whole(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError('It must be a whole number.');
  }
  return value;
}

function futureForms(text: string): FutureForm[] {
  return text.split(',').map((name) => {
    const form = FUTURE_FORMS.find((known) => known === name);
    if (!form) throw new InvalidArgumentError(`Known are: ${FUTURE_FORMS.join(', ')}.`);
    return form;
  });
}
