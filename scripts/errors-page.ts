import { resolve } from 'node:path';
import * as prettier from 'prettier';
import { APTOS_ERRORS, type AptosErrorCode } from '../src/aptos/index.js';
import { type ErrorCode, entryOf } from '../src/errors/catalogue.js';
import { ALARMS } from '../src/errors/codes/alarms-codes.js';
import { BACKUP_ERRORS } from '../src/errors/codes/backup-codes.js';
import { CHAIN_DATA_ERRORS } from '../src/errors/codes/chain-data-codes.js';
import { FINDINGS } from '../src/errors/codes/findings-codes.js';
import { REASONS } from '../src/errors/codes/health-codes.js';
import { NODE_ERRORS } from '../src/errors/codes/node-codes.js';
import { STORAGE_ERRORS } from '../src/errors/codes/storage-codes.js';
import { WORK_ERRORS } from '../src/errors/codes/work-codes.js';

export const ERRORS_PAGE = resolve(import.meta.dirname, '../docs/errors.md');

/** Renders docs/errors.md from the catalogue. */
export async function errorsPage(): Promise<string> {
  const text = [
    '<!-- Made by `npm run docs` from src/errors; do not edit. -->',
    '# Errors',
    'Each failure has a code. The Temporal UI shows the code as the type of the failure, `status` shows it beside the reason, and logs show it beside the message. The message names the thing and the place. This page says what each code means.',
    '**Passes** says whether the same request may succeed later by itself. If so, activities try it again, a limited number of times; then the failure is final. With several nodes, a request that fails at one node is sent to the next one.',
    section('Node', errors(NODE_ERRORS)),
    section('Data of the chain', errors(CHAIN_DATA_ERRORS)),
    section('Backup', errors(BACKUP_ERRORS)),
    section('Storage', errors(STORAGE_ERRORS)),
    section('Workflows, workers and commands', errors(WORK_ERRORS)),
    section(
      'Alarms of a coordinator',
      'An alarm ends when its cause ends. `FAILED` and `NODE_BEHIND` end with the name of a stream, such as `FAILED_transaction`.',
      table(
        ['Code', 'What it means', 'Critical', 'What to do'],
        Object.entries(ALARMS).map(([code, { meaning, critical, whatToDo }]) => [
          `\`${code}\``,
          meaning,
          CRITICAL[critical],
          whatToDo,
        ]),
      ),
    ),
    section(
      'Other reasons for a warning',
      '`status --check`, `/healthz` and notifications give these reasons beside alarms. If a reason is about one of several things, its code ends with the name of that thing, such as `PAUSED_transaction` or `SCHEDULE_FAILED_gc`.',
      whatToDoAbout(REASONS),
    ),
    section('Findings of a verification', whatToDoAbout(FINDINGS)),
  ].join('\n\n');
  const options = await prettier.resolveConfig(ERRORS_PAGE);
  return prettier.format(text, { ...options, parser: 'markdown' });
}

function whatToDoAbout(
  entries: Readonly<Record<string, { meaning: string; whatToDo: string }>>,
): string {
  return table(
    ['Code', 'What it means', 'What to do'],
    Object.entries(entries).map(([code, { meaning, whatToDo }]) => [
      `\`${code}\``,
      meaning,
      whatToDo,
    ]),
  );
}

const CRITICAL: Record<(typeof ALARMS)[keyof typeof ALARMS]['critical'], string> = {
  'at once': 'at once',
  'near the edge': 'when little of what the node keeps is left',
  never: 'never',
  trouble: 'after 10 minutes',
  warning: 'after an hour',
  critical: 'after 6 hours',
};

function errors(codes: object): string {
  const rows = (Object.keys(codes) as ErrorCode[]).map((code) => {
    const { fault, retryable, whatToDo } = entryOf(code);
    return [`\`${code}\``, meaningOf(code), fault, retryable ? 'yes' : 'no', whatToDo];
  });
  return table(['Code', 'What it means', 'Whose fault', 'Passes', 'What to do'], rows);
}

function meaningOf(code: ErrorCode): string {
  if (code in APTOS_ERRORS) return APTOS_ERRORS[code as AptosErrorCode];
  return (entryOf(code) as { meaning?: string }).meaning ?? '';
}

function section(title: string, ...parts: string[]): string {
  return [`## ${title}`, ...parts].join('\n\n');
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
