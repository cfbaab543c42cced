/** The page in a real browser, served by a real `up` that loses a worker, is stopped, and comes back. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PageStatus } from '../../src/contract/answers/page-answers.js';
import { choosePort } from '../../src/temporal-server/ports.js';
import { devnode, storageFolder } from '../support/backup.js';
import { PATIENCE_MS, startBrowser } from '../support/browser.js';
import { dataFolder, startCli } from '../support/cli.js';
import { until } from '../support/until.js';

const PHONE = { width: 360, height: 740 };
const DESK = { width: 1200, height: 900 };

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

/** What a rule of WCAG 2 A and AA finds wrong, contrast included. */
async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const run = `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'best-practice'] })`;
  const { violations } = await page.evaluate<axe.AxeResults>(run);
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

it('the page shows in a browser what an `up` does and stores, and stays plain when parts of it are killed', async () => {
  const node = await devnode({ startTime: 'now' });
  const folder = storageFolder();
  const port = await choosePort();
  const flags = [
    ...['--backup-service-address', node.address, '--local-fs-dir', folder],
    ...['--trust-waypoint', node.facts().genesis_waypoint, '--transaction-batch-size', '100'],
    ...['--health-address', `${port}`, '--data-dir', dataFolder()],
    ...['--node-requests-per-second', '5000', '--node-bytes-per-second', '90000000'],
  ];
  const start = async () => {
    const up = startCli(['up', ...flags]);
    await up.says(/^Health: /);
    return up;
  };
  const up = await start();
  const page = await browser.newPage({ viewport: DESK });
  page.setDefaultTimeout(PATIENCE_MS);
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  const shows = (where: string, text: RegExp) =>
    page.locator(where, { hasText: text }).first().waitFor({ timeout: PATIENCE_MS });
  const url = `http://127.0.0.1:${port}`;
  const status = async () => (await (await fetch(`${url}/status.json`)).json()) as PageStatus;

  // Content.
  await page.goto(url);
  await shows('#level', /^ok$/);
  await shows('#node', /version 400, 4 epochs ended, tip .* ago/);
  await shows('#limits', /^Limits of a node: at most 5.000 requests a second, 90\.0 MB a second$/);
  await shows('#restorable', /^Restorable now: from 0 to 400$/);
  await shows('#stream-transaction', /stored to400behind0/);
  await shows('#stream-transaction', /records a second in the last/);
  await shows('#work', /Chunk worker: process \d+, connected/);
  await shows('#events', /transaction\/0-\d+ done/);
  expect(await page.locator('#events a').first().getAttribute('href')).toMatch(
    /^http:\/\/127\.0\.0\.1:\d+\/namespaces\/[^/]+\/workflows\/aptos-backup%2F/,
  );
  await page.locator('#map rect.signed').first().waitFor({ timeout: PATIENCE_MS });
  const signed = page.locator('#map polygon.signed').first();
  await signed.waitFor({ state: 'attached', timeout: PATIENCE_MS });
  expect(await page.locator('#map .damaged, #map .missing').count()).toBe(0);

  // It is alive.
  node.grow({ transactions: 130, epochs: 1 });
  await shows('#node', /version 5[0-9]{2}, 5 epochs ended/);
  await shows('#stream-transaction', /stored to5\d\d/);

  // Keys alone zoom the map and walk through its parts.
  await page.locator('#map').focus();
  await page.keyboard.press('ArrowDown');
  await shows('#part', /^epoch endings: epochs 0.*signed/);
  const parts = () => page.locator('#parts tbody tr').count();
  await until('the map shows all', async () => (await parts()) > 8);
  const all = await parts();
  for (let i = 0; i < 3; i += 1) await page.keyboard.press('+');
  await until('fewer parts are shown', async () => (await parts()) < all);
  await page.keyboard.press('Home');
  await until('all are shown again', async () => (await parts()) >= all);

  // Controls.
  await page.selectOption('#stream', 'state_snapshot');
  await page.getByRole('button', { name: 'Pause' }).click();
  await shows('#answer', /^Paused: state snapshots\./);
  await shows('#level', /^warning$/);
  await shows('#glance', /state snapshots are paused/);
  await page.getByRole('button', { name: 'Resume' }).click();
  await shows('#answer', /^Resumed: state snapshots/);
  await shows('#level', /^ok$/);
  await page.fill('#ranges', '1000');
  await page.getByRole('button', { name: 'Set' }).click();
  await shows('#answer', /1 to 64/);
  faults.splice(0, faults.length); // a browser notes each answer of an error

  // On a phone, in light and in dark.
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const size of [PHONE, DESK]) {
      await page.setViewportSize(size);
      const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
      expect(wide).toBeLessThanOrEqual(size.width);
    }
    expect(await faultsOf(page)).toEqual([]);
  }

  // A worker dies.
  const worker = (await status()).workers!.find(({ role }) => role === 'chunks')!;
  process.kill(worker.pid!, 'SIGKILL');
  await shows('#work', /1 restart, was killed by SIGKILL/);
  await shows('#events', /warning: Chunk worker was killed by SIGKILL/);
  expect(faults).toEqual([]);

  // All of it is gone, loses a chunk, and comes back.
  expect(await up.stop()).toBe(0);
  await shows('#gone', /^aptos-backup does not answer\. What you see is as of /);
  await shows('#stream-transaction', /stored to/);
  await page.getByRole('button', { name: 'Pause' }).click();
  await shows('#answer', /no answer, so it may be done or not/);
  const broken = readdirSync(folder).find((name) => name.startsWith('transaction_'))!;
  const chunk = readdirSync(join(folder, broken)).find((name) => name.endsWith('.chunk'))!;
  rmSync(join(folder, broken, chunk));
  const again = await start();
  await page.locator('#gone').waitFor({ state: 'hidden', timeout: PATIENCE_MS });
  await shows('#events', /warning: Chunk worker was killed by SIGKILL/); // seen by the first one
  await page.locator('#map rect.damaged').first().click({ timeout: PATIENCE_MS });
  await shows('#part', /^transactions: version.*damaged; .*\.chunk is missing/);
  await page.close();
  expect(await again.stop()).toBe(0);
}, 600_000);
