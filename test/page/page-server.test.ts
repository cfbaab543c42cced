/** What the page's server answers, and whom it lets control. */
import { request } from 'node:http';
import type { Client } from '@temporalio/client';
import { expect, it, onTestFinished, vi } from 'vitest';
import { openPage } from '../../src/cli/open-page.js';
import { HealthServer } from '../../src/monitor/health-server.js';
import type { PageStatus } from '../../src/contract/answers/page-answers.js';
import { parseControl, runControl } from '../../src/page/controls.js';
import { closedTo, refusalOf } from '../../src/page/may-control.js';
import { Page } from '../../src/page/page.js';

const TOKEN = 'a-token-of-16-signs';

async function pageAt(address: string, token?: string): Promise<HealthServer> {
  const server = await HealthServer.listen(address);
  onTestFinished(() => server.close());
  const page = new Page(server, { token, say: () => undefined });
  server.also(page.answer);
  return server;
}

/** A request with any path and headers, as `fetch` does not send them. */
async function ask(
  { url }: HealthServer,
  path: string,
  { method = 'GET', headers = {}, body = '' } = {},
): Promise<{ code: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { path, method, headers }, (answer) => {
      let text = '';
      answer.on('data', (part: Buffer) => (text += part.toString()));
      answer.on('end', () => resolve({ code: answer.statusCode, text: text.trim() }));
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

it('the page and its files come from the server alone, with a policy that lets nothing else run', async () => {
  const server = await pageAt('0');
  const page = await fetch(server.url);
  expect(page.headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; script-src 'self'; style-src 'self'; /,
  );
  expect(page.headers.get('content-security-policy')).not.toContain('unsafe');
  const html = await page.text();
  const linked = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, link]) => link!);
  expect(linked.length).toBeGreaterThan(2);
  for (const link of linked) expect((await fetch(server.url + link)).status, link).toBe(200);
  expect(html).not.toMatch(/<style|style=|<script>|\son[a-z]+=|https?:/);
  for (const path of ['/page/nothing.js', '/page/../page.ts', '/page/%2e%2e/page.ts', '//', '/x']) {
    expect((await ask(server, path)).code, path).toBe(404);
  }
});

it('a process without a storage says so, and controls nothing', async () => {
  const server = await pageAt('0');
  const status = (await (await fetch(`${server.url}/status.json`)).json()) as PageStatus;
  expect(status).toMatchObject({ level: 'warning', units: [], running: [], events: [] });
  expect(status.controls).toEqual({
    refused: expect.stringMatching(/follows no storage/) as string,
    token: false,
  });
  expect(await ask(server, '/coverage.json')).toMatchObject({ code: 404 });
  const asked = { method: 'POST', headers: { 'x-aptos-backup-page': '1' } };
  expect(await ask(server, '/control', asked)).toEqual({
    code: 409,
    text: expect.stringMatching(/follows no storage/) as string,
  });
  expect(await ask(server, '/control')).toMatchObject({ code: 405 });
});

it('a page on another address than loopback controls nothing without a token, and says why', async () => {
  const open = await pageAt('0.0.0.0:0');
  const asked = { method: 'POST', headers: { 'x-aptos-backup-page': '1' } };
  expect(await ask(open, '/control', asked)).toEqual({
    code: 403,
    text: expect.stringMatching(/listens on 0\.0\.0\.0:\d+ without a token: give --page/) as string,
  });
  const guarded = await pageAt('0.0.0.0:0', TOKEN);
  expect(await ask(guarded, '/control', asked)).toMatchObject({ code: 401 });
});

it('an address of IPv6 is given as URLs have it, and is loopback like that of IPv4', async () => {
  const host = await pageAt('[::1]:0').then(({ host }) => host, String);
  // Where there is no IPv6, it is at least the address that is tried, and no name.
  expect(host).toMatch(/^\[::1\]:\d+$|EADDRNOTAVAIL|EAFNOSUPPORT/);
  expect(closedTo({ host: '[::1]:80', token: undefined })).toBeUndefined();
  await expect(pageAt('127.0.0.1:70000')).rejects.toThrow(/port from 0 to 65535/);
});

it.each([
  ['without the header of the page', {}, undefined, 403],
  ['from another site', { origin: 'http://evil.example' }, undefined, 403],
  ['from another port', { origin: 'http://127.0.0.1:81' }, undefined, 403],
  ['from a page in a file', { origin: 'null' }, undefined, 403],
  ['under a name that somebody leads here', { host: 'evil.example' }, undefined, 403],
  ['that a proxy hands on as its own', { 'x-forwarded-for': '203.0.113.7' }, undefined, 403],
  ['of another host, by a proxy', { via: '1.1 proxy' }, undefined, 403],
  ['without the token', {}, TOKEN, 401],
  ['with another token', { authorization: 'Bearer other' }, TOKEN, 401],
] as const)('a control %s is refused', (what, headers, token, code) => {
  const header = what === 'without the header of the page' ? {} : { 'x-aptos-backup-page': '1' };
  const all = { host: '127.0.0.1:80', ...header, ...headers };
  expect(refusalOf({ headers: all }, { host: '127.0.0.1:80', token })?.code).toBe(code);
});

it.each([
  ['over loopback', { host: 'localhost:80', origin: 'http://localhost:80' }, undefined],
  ['over loopback of IPv6', { host: '[::1]:80', origin: 'http://[::1]:80' }, undefined],
  ['with the token', { host: 'backups.example', authorization: `Bearer ${TOKEN}` }, TOKEN],
  [
    'behind a proxy with TLS, with the token',
    {
      ...{ host: 'backups.example', origin: 'https://backups.example' },
      authorization: `Bearer ${TOKEN}`,
    },
    TOKEN,
  ],
  [
    'behind a proxy that names itself, with the token',
    {
      ...{ host: '127.0.0.1:9464', origin: 'https://backups.example', via: '1.1 proxy' },
      authorization: `Bearer ${TOKEN}`,
    },
    TOKEN,
  ],
] as const)('a control of the page %s is let through', (_, headers, token) => {
  const place = { host: token === undefined ? '127.0.0.1:80' : '0.0.0.0:80', token };
  expect(refusalOf({ headers: { ...headers, 'x-aptos-backup-page': '1' } }, place)).toBeUndefined();
  expect(closedTo(place)).toBeUndefined();
});

it.each([
  ['pause', /must be JSON/],
  ['[]', /must be a JSON object with an "action"/],
  ['{"action":"stop"}', /action must be one of pause, resume, retry, now, concurrency/],
  ['{"action":"pause","stream":"all"}', /stream must be one of epoch_ending, /],
  ['{"action":"retry","unti":"transaction\/0-9"}', /unti.*unit/],
  ['{"action":"now"}', /stream/],
  ['{"action":"concurrency","ranges":65}', /from 1 to 64/],
])('what cannot be done is refused, and the answer names it: %s', (body, why) => {
  expect(() => parseControl(body)).toThrow(why);
});

it('each death of a worker becomes an event, also while nobody has the page open', async () => {
  // Its looks end with the test: many files share this process.
  vi.useFakeTimers({ toFake: ['setInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const { health } = (await openPage({ healthAddress: '0' }, () => undefined))!;
  onTestFinished(() => health.close());
  const worker = { role: 'chunks', name: 'Chunk worker', connected: true, in_hand: {} } as const;
  const begun = Date.now() - 60_000;
  let deaths = 0;
  health.show({
    notReady: () => undefined,
    health: () => ({ level: 'ok', reasons: [] }),
    // It has died again at each look.
    details() {
      deaths += 1;
      const since = new Date(begun + deaths).toISOString();
      const death = { at: since, how: `died for the time ${deaths}` };
      return { workers: [{ ...worker, since, restarts: deaths, last_death: death }] };
    },
    metrics: () => Promise.resolve({ text: '', type: '' }),
  });
  vi.advanceTimersByTime(3_500);
  expect(deaths).toBe(3);
  const { events } = (await (await fetch(`${health.url}/status.json`)).json()) as PageStatus;
  const told = events.map(({ what }) => what);
  for (const time of [1, 2, 3]) expect(told).toContain(`Chunk worker died for the time ${time}`);
});

it.each([
  ['state snapshot of epoch 2 comes next', 'state snapshot of epoch 2 comes next.'],
  [
    'state_snapshot: the storage has the newest already, the state snapshot of epoch 2',
    'state snapshots: the storage has the newest already, the state snapshot of epoch 2.',
  ],
])('a backup that the page asks for is told as the coordinator says: %s', async (says, told) => {
  const handle = {
    describe: () => Promise.resolve({ raw: {} }),
    executeUpdate: () => Promise.resolve(says),
  };
  const client = {
    withDeadline: <T>(_: number, work: () => Promise<T>) => work(),
    workflow: { getHandle: () => handle },
  } as unknown as Client;
  const asked = { action: 'now', stream: 'state_snapshot' } as const;
  expect(await runControl(client, 'a/coordinator', asked)).toBe(told);
});
