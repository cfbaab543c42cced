import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../src/devnode/chain/random.js';
import { OWNER } from '../../src/storage/local-owner.js';
import type { Damage } from './plan.js';

/** So few ranges are left when a unit is about to be committed that damage might come too late. */
const LEAST_LEFT = 3;

/** A folder of a backup in the making. */
interface Unit {
  folder: string;
  receipts: string[];
}

/** A backup that has stored something and is far from its commit. */
export function unitInTheMaking(storage: string): Unit | undefined {
  for (const entry of list(storage)) {
    if (!/^(transaction|state_epoch)_/.test(entry)) continue;
    const folder = join(storage, entry);
    const names = list(folder);
    if (!names.includes('plan.json') || names.some((n) => n.endsWith('.manifest'))) continue;
    const receipts = names.filter((name) => name.endsWith('.receipt'));
    if (receipts.length > 0 && rangesLeft(folder, receipts.length) >= LEAST_LEFT) {
      return { folder, receipts };
    }
  }
  return undefined;
}

/** Damages one of a unit's files. Answers which; undefined: too late, the unit is nearly done. */
export function damageUnit(unit: Unit, mode: Damage, random: Random): string | undefined {
  const { folder, receipts } = unit;
  const receipt = receipts[random.below(receipts.length)]!;
  const names = namesIn(join(folder, receipt));
  if (!names) return undefined; // an earlier strike has hit it
  const place = (name: string) => join(folder, name);
  const hit = (name: string, how: (file: string) => void) => {
    if (!existsSync(place(name))) return undefined; // another strike was faster
    chmodSync(place(name), 0o644); // ours are read-only
    how(place(name));
    return place(name);
  };
  const done = (() => {
    switch (mode) {
      case 'flip chunk':
        return hit(names.chunk.name, (file) => flipByte(file, random));
      case 'cut chunk':
        return hit(names.chunk.name, (file) => truncateSync(file, random.below(1000)));
      case 'remove chunk':
        return hit(names.chunk.name, (file) => rmSync(file));
      case 'remove proof':
        return hit(names.proof?.name ?? receipt, (file) => rmSync(file));
      case 'flip receipt':
        return hit(receipt, (file) => flipByte(file, random));
      case 'remove receipt':
        return hit(receipt, (file) => rmSync(file));
      case 'leave part': {
        // As a process leaves it that died.
        const file = place(`.${OWNER}-4194300-${random.below(0xffffff).toString(16)}.part`);
        writeFileSync(file, random.bytes(500));
        return file;
      }
    }
  })();
  const stillOpen = rangesLeft(folder, receipts.length) >= 1 && !hasManifest(folder);
  return stillOpen ? done : undefined;
}

function namesIn(
  receipt: string,
): { chunk: { name: string }; proof?: { name: string } } | undefined {
  try {
    return JSON.parse(readFileSync(receipt, 'utf8')) as ReturnType<typeof namesIn>;
  } catch {
    return undefined;
  }
}

function rangesLeft(folder: string, receipts: number): number {
  const plan = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')) as {
    rangeCount: number;
  };
  return plan.rangeCount - receipts;
}

const hasManifest = (folder: string) => list(folder).some((name) => name.endsWith('.manifest'));

function flipByte(path: string, random: Random): void {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  const at = random.below(Math.max(1, fstatSync(file).size));
  readSync(file, byte, 0, 1, at);
  byte[0]! ^= 1 << random.below(8);
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not there yet, or away
  }
}
