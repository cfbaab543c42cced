import { workflowInfo } from '@temporalio/workflow';
import type { StorageConfig } from '../contract/job.js';
import { COORDINATOR_MEMO } from '../contract/messages.js';
import { storageName } from '../contract/storage-name.js';

/** Texts for the Temporal UI, which renders Markdown. It puts no space between the cells of a table, so these are lists. */

/** A list of named values. Undefined ones are left out. */
export function detailsList(...rows: [name: string, value: string | number | undefined][]): string {
  return rows
    .flatMap(([name, value]) => (value === undefined ? [] : [`- **${name}**: ${value}`]))
    .join('\n');
}

/** Escapes Markdown and HTML, because texts quote what nodes and files said and the UI renders both. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[<>&|*_`[\]]/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** The name of a storage. */
export function storageText(storage: StorageConfig): string {
  return escapeMarkdown(storageName(storage));
}

/** Bytes for people. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** The id of a workflow, to be found by. */
export function workflowLink(id: string): string {
  return `\`${id.replaceAll('`', '')}\``;
}

/** The coordinator that started this workflow, as `workflowLink` gives it; undefined: somebody else did. */
export function coordinatorLink(): string | undefined {
  const id = workflowInfo().memo?.[COORDINATOR_MEMO];
  return typeof id === 'string' ? workflowLink(id) : undefined;
}
