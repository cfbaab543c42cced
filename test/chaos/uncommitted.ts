import type { Random } from '../../src/devnode/chain/random.js';
import type { StoredFiles } from './place.js';
import type { Damage } from './plan.js';

/** A unit with fewer ranges left may commit before the damage is done. */
const LEAST_LEFT = 3;

/** The folder of an uncommitted backup. */
interface Unit {
  folder: string;
  receipts: string[];
}

/** An uncommitted backup that has stored something and is far from its commit. */
export async function unitInTheMaking(files: StoredFiles): Promise<Unit | undefined> {
  for (const folder of await files.list()) {
    if (!/^(transaction|state_epoch)_/.test(folder)) continue;
    const names = await files.list(folder);
    if (!names.includes('plan.json') || names.some((n) => n.endsWith('.manifest'))) continue;
    const receipts = names.filter((name) => name.endsWith('.receipt'));
    const left = await rangesLeft(files, folder, receipts.length);
    if (receipts.length > 0 && left >= LEAST_LEFT) return { folder, receipts };
  }
  return undefined;
}

/** Damages one of a unit's files. Returns its handle. Undefined: too late, the unit is nearly done. */
export async function damageUnit(
  files: StoredFiles,
  { folder, receipts }: Unit,
  mode: Damage,
  random: Random,
): Promise<string | undefined> {
  const receipt = receipts[random.below(receipts.length)]!;
  const named = namesIn(await files.read(`${folder}/${receipt}`));
  if (!named) return undefined; // an earlier strike has hit it
  const [name, harm] = harmOf(mode, { ...named, receipt }, random);
  const handle = `${folder}/${name}`;
  if (mode === 'leave part') {
    const part = await files.leavePart(folder, Buffer.from(random.bytes(500)));
    return (await isOpen(files, folder, receipts)) ? `${folder}/${part}` : undefined;
  }
  const bytes = await files.read(handle);
  if (!bytes) return undefined; // another strike was faster
  const harmed = harm(bytes);
  if (harmed) await files.write(handle, harmed);
  else await files.remove(handle);
  return (await isOpen(files, folder, receipts)) ? handle : undefined;
}

/** What of a unit is damaged, and how: undefined bytes remove it. */
function harmOf(
  mode: Damage,
  { receipt, chunk, proof }: { receipt: string } & Named,
  random: Random,
): [name: string, harm: (bytes: Buffer) => Buffer | undefined] {
  const remove = () => undefined;
  switch (mode) {
    case 'flip chunk':
      return [chunk.name, (bytes) => flipped(bytes, random)];
    case 'cut chunk':
      return [chunk.name, (bytes) => bytes.subarray(0, random.below(1000))];
    case 'remove chunk':
      return [chunk.name, remove];
    case 'remove proof':
      return [proof?.name ?? receipt, remove];
    case 'flip receipt':
      return [receipt, (bytes) => flipped(bytes, random)];
    case 'remove receipt':
    case 'leave part':
      return [receipt, remove];
  }
}

interface Named {
  chunk: { name: string };
  proof?: { name: string };
}

function namesIn(receipt: Buffer | undefined): Named | undefined {
  try {
    if (!receipt) return undefined;
    const { chunk, proof } = JSON.parse(receipt.toString()) as Named;
    return { chunk, ...(proof && { proof }) };
  } catch {
    return undefined;
  }
}

async function isOpen(files: StoredFiles, folder: string, receipts: string[]): Promise<boolean> {
  const names = await files.list(folder);
  const hasManifest = names.some((name) => name.endsWith('.manifest'));
  return !hasManifest && (await rangesLeft(files, folder, receipts.length)) >= 1;
}

async function rangesLeft(files: StoredFiles, folder: string, receipts: number): Promise<number> {
  const plan = await files.read(`${folder}/plan.json`);
  if (!plan) return 0; // away
  return (JSON.parse(plan.toString()) as { rangeCount: number }).rangeCount - receipts;
}

function flipped(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) copy[random.below(copy.length)]! ^= 1 << random.below(8);
  return copy;
}
