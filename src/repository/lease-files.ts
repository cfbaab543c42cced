import { setTimeout as sleep } from 'node:timers/promises';
import { OWN_FOLDER } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';
import { CatalogError } from './catalog-error.js';
import { putFile, readOwn } from './stored-file.js';

const MAX_BYTES = 64 * 1024;
const MOST_LOOKS = 10;
/** How long we wait until a claim that began before ours is stored. There is no lock. */
const SETTLE_MS = 2_000;

/** Where the claims of one lease are kept. Each has a number; the highest is valid. */
export interface LeaseFiles {
  /** The valid claim as it is stored. */
  top(): Promise<{ number: number; bytes: Uint8Array } | undefined>;
  /** Stores a claim. Without `replace`, returns `exists` when somebody else has stored a claim with this number. */
  write(
    number: number,
    bytes: Uint8Array,
    options: { replace: boolean },
  ): Promise<'created' | 'exists'>;
  /** Takes back a claim that is not valid. */
  remove(number: number): Promise<void>;
  removeBelow(number: number): Promise<void>;
}

/** The error for a listing that cannot be true. */
export function misleading(storage: BackupStorage, how: string): CatalogError {
  const why = `${storage.description} ${how}: we take that for an outage, so nothing is written. Check whether the storage lists all its files`;
  return new CatalogError('LISTING_SHORT', why);
}

export function leaseFiles(storage: BackupStorage, kind: string): LeaseFiles {
  return storage.byNameOnly ? new OneFile(storage, kind) : new NumberedFiles(storage, kind);
}

/** A file for each claim: whoever creates the file with the next number has claimed. */
class NumberedFiles implements LeaseFiles {
  constructor(
    private readonly storage: BackupStorage,
    private readonly kind: string,
  ) {}

  async top(): Promise<{ number: number; bytes: Uint8Array } | undefined> {
    for (let look = 1; ; look += 1) {
      const number = (await this.numbers()).at(-1);
      if (number === undefined) return undefined;
      const handle = this.handle(number);
      const bytes = await readOwn(this.storage, handle, MAX_BYTES);
      if (bytes) return { number, bytes };
      // The file was removed after we listed it, so there is one with a higher number now.
      if (look === MOST_LOOKS)
        throw misleading(this.storage, `lists ${handle}, although it is gone`);
    }
  }

  async write(number: number, bytes: Uint8Array, options: { replace: boolean }) {
    const name = this.handle(number).slice(OWN_FOLDER.length + 1);
    return (await putFile(this.storage, OWN_FOLDER, name, bytes, options)).outcome;
  }

  async remove(number: number): Promise<void> {
    await this.storage.removeFileIfAllowed(this.handle(number));
  }

  async removeBelow(number: number): Promise<void> {
    for (const old of await this.numbers()) {
      // Only the highest number counts: where nobody may delete, the others stay.
      if (old < number && !(await this.storage.removeFileIfAllowed(this.handle(old)))) return;
    }
  }

  private async numbers(): Promise<number[]> {
    const files = await this.storage.listFolder(OWN_FOLDER);
    const pattern = new RegExp(`^${OWN_FOLDER}/${this.kind}-(\\d{8,15})\\.lease$`);
    return files
      .flatMap(({ handle }) => pattern.exec(handle)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  private handle(number: number): string {
    return `${OWN_FOLDER}/${this.kind}-${String(number).padStart(8, '0')}.lease`;
  }
}

/**
 * One file, for a storage that lists no folders and has no lock. The last stored claim is valid. When two owners
 * claim at the same time, a second look shows who has the lease. A claim that hangs for longer is seen at the next
 * renewal.
 */
class OneFile implements LeaseFiles {
  private readonly name: string;

  constructor(
    private readonly storage: BackupStorage,
    kind: string,
  ) {
    this.name = `${kind}.lease`;
  }

  async top(): Promise<{ number: number; bytes: Uint8Array } | undefined> {
    const bytes = await readOwn(this.storage, `${OWN_FOLDER}/${this.name}`, MAX_BYTES);
    return bytes && { number: numberIn(bytes), bytes };
  }

  async write(number: number, bytes: Uint8Array, { replace }: { replace: boolean }) {
    const now = replace ? undefined : await this.top();
    if (now && now.number >= number) return 'exists' as const;
    await putFile(this.storage, OWN_FOLDER, this.name, withNumber(number, bytes), {
      replace: true,
    });
    if (replace) return 'created' as const;
    await sleep(SETTLE_MS);
    const after = await this.top();
    const ours = after && Buffer.compare(after.bytes, withNumber(number, bytes)) === 0;
    return ours ? ('created' as const) : ('exists' as const);
  }

  async remove(): Promise<void> {
    // Only the valid claim is stored, so there is nothing to remove.
  }

  async removeBelow(): Promise<void> {
    // Nothing to remove either.
  }
}

/** Puts the number into the content. A numbered file has it in its name. */
function withNumber(number: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`{"number":${number},`), bytes.subarray(1)]);
}

/** 0 for a damaged claim, so that every other claim is higher. */
function numberIn(bytes: Uint8Array): number {
  const [, number = '0'] = /^\{"number":(\d{1,15}),/.exec(Buffer.from(bytes).toString()) ?? [];
  return Number(number);
}
