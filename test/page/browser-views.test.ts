/** The page in a real browser, with answers that a real `up` seldom gives. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type { PageCoverage, PageStatus } from '../../src/contract/answers/page-answers.js';
import type { LiveStatus } from '../../src/contract/answers/shown-answers.js';
import { HealthServer } from '../../src/monitor/health-server.js';
import { Page as ServedPage } from '../../src/page/page.js';
import { PATIENCE_MS, startBrowser } from '../support/browser.js';
import { NOW, liveStatus } from '../support/status.js';
import { until } from '../support/until.js';

const iso = (ms: number) => new Date(ms).toISOString();

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

/** What the server answers: a status, and a coverage or why there is none. */
interface Said {
  status: PageStatus;
  coverage: PageCoverage | string;
}

function said(live: LiveStatus = liveStatus()): Said {
  return {
    status: {
      ...{ level: 'ok', reasons: [], status: live, at: iso(NOW), heard_at: iso(NOW) },
      ...{ units: [], running: [], events: [], controls: { token: false } },
    },
    coverage: {
      ...{ at: iso(NOW), first: '0', last: '100', newest: '100' },
      ...{ backups: 1, unread: 0, unreadable: 0 },
      rows: {
        epoch_ending: [],
        state_snapshot: [],
        transaction: [{ first: '0', last: '100', state: 'signed', backups: 1, backup: 't' }],
      },
      restorable: { yes: true, version: '100', epoch: '3', history_from: '0', why: [] },
    },
  };
}

/** The page of a server that answers what `answers` holds at that moment. */
async function openPage(answers: Said, before = ''): Promise<Page> {
  const server = await HealthServer.listen('0');
  onTestFinished(() => server.close());
  server.also(new ServedPage(server, { token: undefined, say: () => undefined }).answer);
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  onTestFinished(() => page.close());
  await page.addInitScript(before);
  await page.route(/\/status\.json/, (route) => route.fulfill({ json: answers.status }));
  await page.route(/\/coverage\.json/, (route) => {
    const { coverage } = answers;
    return typeof coverage === 'string'
      ? route.fulfill({ status: 502, body: `${coverage}\n` })
      : route.fulfill({ json: coverage });
  });
  await page.goto(server.url);
  return page;
}

/** Waits until a place of the page shows a text. */
const shows = (page: Page, where: string, text: RegExp) =>
  page.locator(where, { hasText: text }).first().waitFor();

it('a storage that can no longer be read is told as long as that lasts, with the age of the map', async () => {
  const answers = said();
  const page = await openPage(answers);
  await shows(page, '#coverage-says', /^Restorable now: from 0 to 100\. 1 backup\./);
  const working = answers.coverage;
  answers.coverage = 'the bucket does not answer';
  const trouble = /^The storage cannot be read: the bucket does not answer\. What you see is as of/;
  await shows(page, '#coverage-says', trouble);
  const asOf = () => page.locator('#as-of').textContent();
  const before = await asOf();
  answers.status = { ...answers.status, at: iso(NOW + 60_000) };
  await until('the next status is shown', async () => (await asOf()) !== before);
  expect(await page.locator('#coverage-says').textContent()).toMatch(trouble);
  answers.coverage = working;
  await shows(page, '#coverage-says', /^Restorable now: from 0 to 100\./);
});

it('a unit that does not move has no rate and no ETA, and neither has a stream that waits', async () => {
  const current = { target: 'transactions 1 to 9', workflow_id: 'w', since: iso(NOW), attempts: 1 };
  const unit = (seconds: number) =>
    liveStatus(
      { current, state: 'working', rate: 22, eta_seconds: 90 },
      {
        progress: {
          transaction: {
            ...{ done: 100, total: 2_300, bytes: 3, failed_ranges: 0, rate: 22 },
            advanced_at: NOW - seconds * 1000,
          },
        },
      },
    );
  const answers = said(unit(5));
  const page = await openPage(answers);
  const stream = '#stream-transaction';
  await shows(page, stream, /rate22 records\/sETA1m 40s/);
  answers.status = said(unit(180)).status;
  await shows(page, stream, /not moved for3m 0s/);
  expect(await page.locator(stream).textContent()).not.toMatch(/records\/s|ETA/);
  answers.status = said(liveStatus({ state: 'waiting', rate: 22, eta_seconds: 90 })).status;
  await shows(page, stream, /doingwaiting/);
  expect(await page.locator(stream).textContent()).not.toMatch(/records\/s|ETA/);
});

it('the title of a tab that is hidden says how bad it is, and the storage is left alone', async () => {
  const answers = said();
  answers.status.level = 'critical';
  const hide = `Object.defineProperty(document, 'hidden', { get: () => self.isShown !== true })`;
  const page = await openPage(answers, hide);
  await until('the title says it', async () => (await page.title()) === 'critical: aptos-backup');
  expect(await page.locator('#coverage').isHidden()).toBe(true);
  // It comes to the front.
  answers.status.level = 'ok';
  await page.evaluate(`self.isShown = true; document.dispatchEvent(new Event('visibilitychange'))`);
  await until('it is up to date', async () => (await page.title()) === 'ok: aptos-backup', 20_000);
  await shows(page, '#coverage-says', /^Restorable now/);
});

it('a control without an answer may be done or not, and the page says no more than that', async () => {
  const page = await openPage(said());
  // It has arrived, and then the line breaks.
  await page.route(/\/control$/, (route) => route.abort('connectionreset'));
  await page.getByRole('button', { name: 'Pause' }).click();
  await shows(page, '#answer', /^There was no answer, so it may be done or not/);
});

it('what is asked for all streams is told with all answers, a refusal in the middle too', async () => {
  const page = await openPage(said());
  await page.route(/\/control$/, (route) => {
    const { stream } = route.request().postDataJSON() as { stream: string };
    const refused = stream === 'state_snapshot';
    return route.fulfill({ status: refused ? 400 : 200, body: refused ? 'no epoch\n' : 'next\n' });
  });
  await page.getByRole('button', { name: 'Back up now' }).click();
  await shows(page, '#answer.critical', /^next no epoch next$/);
});

it('the map can be zoomed also where versions are as large as they can be', async () => {
  const most = '18446744073709551615';
  const answers = said();
  const stored = answers.coverage as PageCoverage;
  stored.last = stored.newest = most;
  stored.rows.transaction = [{ first: '0', last: most, state: 'signed', backups: 1, backup: 't' }];
  const page = await openPage(answers);
  await shows(page, '#coverage-says', /^Restorable now/);
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).search));
  await page.locator('#map').focus();
  await page.keyboard.press('+');
  await page.keyboard.press('ArrowRight');
  await until('the right half is asked for', () => asked.includes('?first=9223372036854776000'));
  for (let i = 0; i < 60; i += 1) await page.keyboard.press('+');
  await page.keyboard.press('ArrowLeft');
  await shows(page, '#map svg', /13.835.058.055.\d{3}.\d{3}.\d{3}/);
  expect(await page.locator('#map rect.signed').count()).toBe(1);
});

it.each(['light', 'dark'] as const)(
  'what is written on a bar of the map can be read on every colour, in %s',
  async (colorScheme) => {
    const answers = said();
    (answers.coverage as PageCoverage).rows.epoch_ending = [
      { first: '0', last: '100', epochs: '0 to 3', state: 'missing', backups: 0 },
    ];
    const page = await openPage(answers);
    await page.emulateMedia({ colorScheme });
    await shows(page, '#map .inside', /^epochs 0 to 3$/);
    const colours = await page.evaluate<string[]>(`(() => {
      const words = getComputedStyle(document.querySelector('#map .inside'));
      const page = getComputedStyle(document.body);
      return [words.fill, words.stroke, words.paintOrder, page.color, page.backgroundColor];
    })()`);
    const [fill, ground, order, text, back] = colours;
    expect(order).toBe('stroke');
    // Text on the ground of the page: its contrast is what axe finds good for all other text.
    expect([fill, ground]).toEqual([text, back]);
  },
);

it('where the table has no room for all parts, what is damaged or missing is in it', async () => {
  const answers = said();
  const part = (i: number) => ({
    first: `${i}`,
    last: `${i}`,
    state: 'signed' as const,
    backups: 1,
  });
  const { rows } = answers.coverage as PageCoverage;
  rows.epoch_ending = Array.from({ length: 300 }, (_, i) => part(i));
  rows.transaction = [part(0), { ...part(1), state: 'missing' }, { ...part(2), state: 'damaged' }];
  const page = await openPage(answers);
  await shows(page, '#coverage-says', /^Restorable now/);
  await page.locator('#coverage summary').click();
  await shows(page, '#parts caption', /^200 of 303, the bad ones first/);
  const lines = await page.locator('#parts tbody tr').allTextContents();
  expect(lines).toHaveLength(200);
  expect(lines.slice(0, 3)).toEqual([
    'transactions22damaged',
    'transactions11missing',
    'epoch endings00signed',
  ]);
});

it('a storage that shares have proven is proven as a whole, as health counts it', async () => {
  const verification = { running: false, succeeded_at: iso(NOW), rotated_at: iso(NOW - 60_000) };
  const page = await openPage(said(liveStatus({}, { verification })));
  await shows(page, '#work', /Verified: 0s ago, as a whole: 1m 0s ago/);
});

it('how the last verification, drill and copy ended is told, with the reason and the next try', async () => {
  const failed = { running: false, failed_at: iso(NOW - 60_000), failed_why: 'a chunk is damaged' };
  const copy = { to: '/copy', running: false, ended_at: iso(NOW - 60_000), why: 'no room' };
  const again = { retry_at: iso(NOW + 60_000), outcome: 'failed' as const };
  const answers = said(
    liveStatus({}, { verification: failed, drill: failed, copy: { ...copy, ...again } }),
  );
  const page = await openPage(answers);
  await shows(page, '#work', /A verification failed: 1m 0s ago: a chunk is damaged/);
  await shows(page, '#work', /A drill failed: 1m 0s ago: a chunk is damaged/);
  await shows(page, '#work', /Copies: the last one failed 1m 0s ago: no room, again \S/);
  const done = { ...copy, why: undefined, outcome: 'done' as const };
  answers.status = said(liveStatus({}, { copy: done })).status;
  await shows(page, '#work', /Copies: the last one is done, 1m 0s ago$/);
});

it('a process without workers of its own shows those that ask the server for work', async () => {
  const answers = said();
  const worker = { works_on: 'chunks' as const, identity: '12@host-0a1b2c3d', asked_at: iso(NOW) };
  answers.status.pollers = [worker];
  const page = await openPage(answers);
  await shows(
    page,
    '#work',
    /Workers of all hosts.*12@host-0a1b2c3d: chunks, last asked .* 0s ago/,
  );
  answers.status.pollers = [];
  await shows(page, '#work', /Workers of all hosts\s*nothing/);
});

it('events for which the list has no room are behind a click, which stays open', async () => {
  const answers = said();
  const event = (i: number) => ({
    at: iso(NOW - i * 1000),
    level: 'ok' as const,
    what: `event ${i}`,
  });
  answers.status.events = Array.from({ length: 80 }, (_, i) => event(i));
  const page = await openPage(answers);
  await page.locator('#events summary', { hasText: /^20 older$/ }).click();
  await shows(page, '#events details li', /event 79$/);
  answers.status.events = Array.from({ length: 81 }, (_, i) => event(i));
  await shows(page, '#events summary', /^21 older$/);
  await shows(page, '#events details li', /event 80$/);
});

it('what can be restored is told with what keeps it from more, and with the flag that it needs', async () => {
  const why = ['transactions 101 to 199 are missing'];
  const restorable = { yes: true, version: '100', epoch: '3', history_from: '0', why };
  const page = await openPage(
    said(liveStatus({}, { restorable: { ...restorable, needs_target_version: true } })),
  );
  await shows(
    page,
    '#restorable',
    /^Restorable now: from 0 to 100, with --target-version 100: transactions 101 to 199 are missing$/,
  );
});

it('a second storage that lacks nothing but snapshots is behind by them', async () => {
  const copy = {
    ...{ to: '/copy', running: false, looked_at: iso(NOW), behind_since: iso(NOW - 60_000) },
    ...{ lag_versions: '0', lag_epochs: '0', lag_snapshots: 2, lag_seconds: 60 },
  };
  const page = await openPage(said(liveStatus({}, { copy })));
  await shows(page, '#copy', /^Copy \/copy: 2 snapshots behind, last in step 1m 0s ago$/);
});

it('a page that may control nothing has no button to try a unit again', async () => {
  const unit = { unit: 'transaction/0-9', code: 'NODE_FAILED', reason: 'no', attempts: 2 } as const;
  const answers = said(
    liveStatus({ failed: [{ ...unit, retry_at: iso(NOW + 60_000) }], failed_count: 1 }),
  );
  const page = await openPage(answers);
  const retry = page.getByRole('button', { name: 'Retry transaction/0-9' });
  await retry.waitFor();
  answers.status.controls = { refused: 'it listens on 0.0.0.0', token: false };
  await shows(page, '#controls-refused', /^it listens on 0\.0\.0\.0$/);
  expect(await retry.count()).toBe(0);
});

it('a page that is older than the answers says that it cannot show them, not that nobody answers', async () => {
  const answers = said();
  const page = await openPage(answers);
  await shows(page, '#level', /^ok$/);
  const { status } = answers;
  answers.status = { at: status.at } as PageStatus; // of a release that has all of it elsewhere
  await shows(
    page,
    '#gone',
    /^This page cannot show what .* After an upgrade, load the page anew\.$/,
  );
  answers.status = status;
  await page.locator('#gone').waitFor({ state: 'hidden' });
});
