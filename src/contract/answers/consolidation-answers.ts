import * as v from 'valibot';
import { flag, text, u64Text } from '../shape.js';
import { field, number, run } from './fields.js';
import { finding } from './verify-answers.js';

/** What a consolidation did so far, and its result. */
export type Consolidation = v.InferOutput<typeof consolidation>;
export const consolidation = v.object({
  ok: field(flag, 'whether nothing damaged or unproven was found'),
  storage: field(text, 'the storage'),
  transaction_batch_size: field(u64Text, 'versions of a full batch'),
  dry_run: field(flag, 'whether it only looked, and changed nothing'),
  batches: field(
    v.array(v.object({ ...run.entries, backups: field(number, 'small backups in it') })),
    'full batches that were made, or in a dry run would be; the first ones',
  ),
  batch_count: field(number, 'how many there are'),
  retired_count: field(number, 'small backups whose metadata lines were retired'),
  chunks: field(number, 'chunk files of the full batches'),
  bytes: field(number, 'bytes of these'),
  left: field(
    v.array(v.object({ ...run.entries, why: field(text, 'why its backups cannot become one') })),
    'batches that were left as they are; the first ones',
  ),
  left_count: field(number, 'how many there are'),
  damaged_count: field(
    number,
    'batches that were left because of damage, or because nothing proves them',
  ),
  findings: field(v.array(finding), 'what is wrong with these; the first ones'),
  finding_count: field(number, 'how much is wrong'),
});
