import { setTimeout as sleep } from 'node:timers/promises';
import { type Browser, chromium } from 'playwright-core';
import { CHROMIUM } from './servers/chromium.js';
import { findServer } from './servers/install.js';

/** Beside other tests, a browser is slow. */
export const PATIENCE_MS = 180_000;
const ARGS = ['--no-sandbox', '--disable-dev-shm-usage'];
const FIRST_PAGE_MS = 40_000;
const MOST_STARTS = 5;

/** A browser that has opened a page: beside many programs that start, its first one sometimes never opens. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = await findServer(CHROMIUM);
  for (let starts = 1; ; starts += 1) {
    const browser = await chromium.launch({ executablePath, args: ARGS, timeout: PATIENCE_MS });
    const opens = openPage(browser);
    opens.catch(() => undefined); // too late, nobody waits for it
    if (await Promise.race([opens, sleep(FIRST_PAGE_MS, false, { ref: false })])) return browser;
    if (starts === MOST_STARTS) throw new Error(`${executablePath} does not open a page`);
    await Promise.race([browser.close(), sleep(FIRST_PAGE_MS, undefined, { ref: false })]);
  }
}

async function openPage(browser: Browser): Promise<boolean> {
  const page = await browser.newPage();
  await page.setContent('<p>It works</p>');
  await page.close();
  return true;
}
