import type { ContainerClient } from '@azure/storage-blob';
import type { Call } from '../backend.js';
import { ifAllowed } from '../if-allowed.js';
import { type Attempt, type AzureClient, unlessCode } from './azure-client.js';
import { writersOf } from './azure-blocks.js';

/** Metadata of the empty blob that replaces staged blocks for a moment. */
export const ENDED = { aptosbackupended: '1' };

/** The answers for a name that has no blocks: there is no blob, or one of another type. */
const NO_BLOCKS = ['BlobNotFound', 'ResourceTypeMismatch', 'InvalidBlobType'] as const;

/** The writers of blocks that are staged, but not committed. */
export async function stagingWriters(
  client: AzureClient,
  { name, key }: { name: string; key: string },
  call: Call,
): Promise<{ id: string; begun: number | undefined }[]> {
  const answer = await client.ask(
    {
      what: `list the blocks of ${key}`,
      key,
      run: (container, { abortSignal }) =>
        unlessCode(
          container.getBlockBlobClient(name).getBlockList('uncommitted', { abortSignal }),
          ...NO_BLOCKS,
        ),
    },
    call,
  );
  return typeof answer === 'string' ? [] : writersOf(answer.uncommittedBlocks ?? []);
}

/**
 * Ends an upload, so that its writer cannot commit it. Azure removes staged blocks only when a blob is committed
 * without them. So this makes an empty blob, if there is none, and removes it at once. That removes the blocks of all
 * writers of the name, so it is not done while a writer that began later has blocks. Azure forgets the rest after a
 * week.
 */
export async function dropBlocks(
  client: AzureClient,
  { name, key }: { name: string; key: string },
  { id, begun }: { id: string; begun: number },
  call: Call,
): Promise<void> {
  const writers = await stagingWriters(client, { name, key }, call);
  if (!writers.some((writer) => writer.id === id)) return;
  if (writers.some((other) => other.begun !== undefined && other.begun > begun)) return;
  const made = await client.ask(
    {
      what: `end the upload of ${key}`,
      key,
      run: (container, { abortSignal }) =>
        unlessCode(
          container.getBlockBlobClient(name).commitBlockList([], {
            abortSignal,
            conditions: { ifNoneMatch: '*' },
            metadata: ENDED,
          }),
          ...(['BlobAlreadyExists', 'ConditionNotMet'] as const),
        ),
    },
    call,
  );
  // Otherwise somebody completed the blob meanwhile, which removed the staged blocks, too.
  if (typeof made !== 'string') await removeEnded(client, { name, key }, made.etag, call);
}

/** Removes the empty blob, unless somebody replaced it. Where nobody may delete, it stays for a writer to replace. */
export async function removeEnded(
  client: AzureClient,
  { name, key }: { name: string; key: string },
  etag: string | undefined,
  call: Call,
): Promise<void> {
  const request = {
    what: `end the upload of ${key}`,
    key,
    run: (container: ContainerClient, { abortSignal }: Attempt) =>
      unlessCode(
        container.getBlobClient(name).delete({
          abortSignal,
          ...(etag !== undefined && { conditions: { ifMatch: etag } }),
        }),
        ...(['BlobNotFound', 'ConditionNotMet'] as const),
      ),
  };
  const so = `an empty blob stays where the upload of a large file was ended, such as ${key}, until the file is written`;
  await ifAllowed(client.description, () => client.ask(request, call), so);
}
