/** One catalogue says what each code means for retries, for rests and for readers of docs/errors.md. */
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RANGE_BUDGETS, toFailure } from '../../src/activities/activity-failure.js';
import { APTOS_ERRORS, AptosDataError, type AptosErrorCode } from '../../src/aptos/index.js';
import { failureOf } from '../../src/contract/failure.js';
import { ERRORS, type ErrorCode, codeOf, entryOf } from '../../src/errors/catalogue.js';
import { CodedError } from '../../src/errors/coded-error.js';
import { fromPlain, toPlain } from '../../src/lib/plain-error.js';
import { ERRORS_PAGE, errorsPage } from '../../scripts/errors-page.js';

class AnyError extends CodedError<ErrorCode> {}

const codes = Object.keys(ERRORS) as ErrorCode[];
const sources = resolve(import.meta.dirname, '../../src');

it('docs/errors.md is what `npm run docs` makes of the catalogue', async () => {
  expect(readFileSync(ERRORS_PAGE, 'utf8')).toBe(await errorsPage());
});

it('only the catalogue makes failures and decides whether one is tried again', () => {
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' });
  const makers = files.filter(
    (file) =>
      file.endsWith('.ts') &&
      /ApplicationFailure\.(create|retryable|nonRetryable|fromError)|new ApplicationFailure/.test(
        readFileSync(join(sources, file), 'utf8'),
      ),
  );
  expect(makers).toEqual([join('contract', 'failure.ts')]);
});

it('no code is written two ways', () => {
  const { size } = new Set(codes.map((code) => code.replaceAll('_', '')));
  expect(size).toBe(codes.length);
});

describe.each(codes)('%s', (code) => {
  const { retryable, budget } = entryOf(code);

  it('is retryable for the server exactly when the catalogue says so', () => {
    const thrown = [new AnyError(code, 'x'), fromPlain(toPlain(new AnyError(code, 'x')))];
    if (code in APTOS_ERRORS) thrown.push(new AptosDataError(code as AptosErrorCode, 'x'));
    for (const error of thrown) {
      expect(codeOf(error)).toBe(code);
      const failure = toFailure(error, {}, RANGE_BUDGETS);
      expect(failure).toMatchObject({ type: code, nonRetryable: !retryable });
    }
    expect(failureOf(code, 'x')).toMatchObject({ type: code, nonRetryable: !retryable });
  });

  it.runIf(retryable)('has a budget, and is final when that is used up', () => {
    expect(budget).toBeDefined();
    const counts = { [code]: 1_000 };
    expect(toFailure(new AnyError(code, 'x'), counts, RANGE_BUDGETS).nonRetryable).toBe(true);
  });
});

it('an error without a code of ours is tried again as INTERNAL', () => {
  const theirs = Object.assign(new Error('x'), { code: 'ERR_OF_SOMEBODY' });
  for (const error of [theirs, new TypeError('x'), 'x']) {
    const failure = toFailure(error, {}, RANGE_BUDGETS);
    expect(failure).toMatchObject({ type: 'INTERNAL', nonRetryable: false });
  }
});
