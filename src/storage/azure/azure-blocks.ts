import { randomBytes } from 'node:crypto';
import type { Block } from '@azure/storage-blob';

/** The most blocks that a blob can have. */
const MOST_BLOCKS = 50_000;
const FIRST_BYTES = 8 * 1024 * 1024;
/** After so many blocks, their size doubles: 50,000 of them make 2.4 TiB. */
const BLOCKS_OF_A_SIZE = 10_000;

/** The size of the block at an index, from 0. Undefined after the last block that a blob can have. */
export function blockBytes(index: number): number | undefined {
  return index < MOST_BLOCKS ? FIRST_BYTES * 2 ** Math.floor(index / BLOCKS_OF_A_SIZE) : undefined;
}

/** A writer of a blob. All writers of one name share its staged blocks, so block ids name their writer. */
export interface BlockWriter {
  /** Unique. */
  id: string;
  /** By the store's clock: unix milliseconds. */
  begun: number;
}

export function newWriter(begun: number): BlockWriter {
  return { id: randomBytes(8).toString('hex'), begun };
}

/** Azure wants all ids to have one length. */
const ID = /^aptos-backup\.(\d{14})\.([0-9a-f]{16})\.\d{5}$/;

export function blockId({ id, begun }: BlockWriter, index: number): string {
  const time = `${Math.max(0, Math.round(begun))}`.padStart(14, '0');
  const text = `aptos-backup.${time}.${id}.${`${index}`.padStart(5, '0')}`;
  return Buffer.from(text).toString('base64');
}

/** The writers of staged blocks. All blocks of other programs count as one writer, with id '' and an unknown time. */
export function writersOf(blocks: readonly Block[]): { id: string; begun: number | undefined }[] {
  const found = new Map<string, number | undefined>();
  for (const { name } of blocks) {
    const [, begun, id] = ID.exec(Buffer.from(name, 'base64').toString()) ?? [];
    found.set(id ?? '', begun === undefined ? undefined : Number(begun));
  }
  return [...found].map(([id, begun]) => ({ id, begun }));
}
