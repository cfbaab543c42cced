import * as v from 'valibot';
import { flag, text } from '../shape.js';
import { field, number } from './fields.js';

/** The result of a compaction of metadata. */
export type Compaction = v.InferOutput<typeof compaction>;
export const compaction = v.object({
  storage: field(text, 'what was compacted'),
  dry_run: field(flag, 'whether it only says what would be done'),
  files_before: field(number, 'metadata files before'),
  files_after: field(number, 'metadata files after'),
  written: field(number, 'files of many lines that were written'),
  written_first: field(v.array(text), 'the first twenty of these'),
  kept: field(number, 'files of many lines that were there already, and stay'),
  stamped: field(number, 'files that are replaced since this run, and stay for now'),
  waiting: field(number, 'all replaced files that stay for now'),
  moved: field(number, 'replaced files that were moved into `metadata_backup`'),
  left_alone: field(
    v.array(
      v.object({
        object: field(text, 'the file'),
        why: field(text, 'why nobody should touch it'),
      }),
    ),
    'files that were left as they are, although they should not be; the first twenty',
  ),
  left_alone_count: field(number, 'how many there are'),
});
