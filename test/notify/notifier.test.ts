/** The notifier with a real receiver: what arrives, what happens when it does not, and what a restart knows. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import type { HealthSource } from '../../src/monitor/health-server.js';
import type { Health } from '../../src/contract/answers/shown-answers.js';
import { DEFAULT_LIMITS, healthOf, worstOf } from '../../src/monitor/health.js';
import type { Message } from '../../src/notify/message.js';
import { Notifier } from '../../src/notify/notifier.js';
import { stateFileOf, storedWays, writeState } from '../../src/notify/state-file.js';
import { commandWay } from '../../src/notify/command.js';
import { webhookWay } from '../../src/notify/webhook.js';
import { dataFolder } from '../support/cli.js';
import { listen } from '../support/listen.js';
import { ago, liveStatus } from '../support/status.js';
import { until } from '../support/until.js';

const ABOUT = {
  storage: '/backups',
  workflowId: 'aptos-backup/backups-0a1b2c3d/coordinator',
  host: 'host-1',
  page: 'http://host-1:9464',
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
});

/** A receiver that answers as it is told. */
async function receiver() {
  const got: { body: Message; headers: IncomingHttpHeaders }[] = [];
  const state = { answer: 200 };
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (part: Buffer) => (text += part.toString()));
    request.on('end', () => {
      got.push({ body: JSON.parse(text) as Message, headers: request.headers });
      response.writeHead(state.answer).end('thanks');
    });
  });
  const url = await listen(server);
  const events = () =>
    got.map(({ body }) => body.alarms.map(({ event, code }) => `${event} ${code}`).join(', '));
  return {
    ...{ got, state, url, events },
    arrived: (count: number) => until(`${count} have arrived`, () => got.length >= count),
  };
}

type Reasons = Health['reasons'];
const warning = (code: string): Reasons[number] => ({ level: 'warning', code, what: `${code}: x` });

/** A health that is what `now` holds. */
function sourceOf(now: { reasons: Reasons }): HealthSource {
  return {
    notReady: () => undefined,
    health: () => worstOf(now.reasons),
    details: () => ({}),
    metrics: () => Promise.reject(new Error('not asked for')),
  };
}

/** A process that looks at what `now` holds and sends to a receiver. */
function start(url: string, file: string, now: { reasons: Reasons }) {
  const lines: string[] = [];
  const notifier = new Notifier({
    ways: [webhookWay({ url, to: url, headers: { 'x-token': 'secret-1' } })],
    patience: { afterMs: 60_000, remindMs: 86_400_000 },
    ...{ about: ABOUT, file, say: (line: string) => lines.push(line) },
  });
  onTestFinished(() => notifier.stop());
  notifier.watch(sourceOf(now));
  return { notifier, lines, pass: (seconds: number) => vi.advanceTimersByTime(seconds * 1000) };
}

const stateFile = () => stateFileOf(dataFolder(), ABOUT.workflowId);

it('alarms that begin together are one message, and a restart tells none of them again', async () => {
  const { got, url, arrived, events } = await receiver();
  const file = stateFile();
  const now: { reasons: Reasons } = { reasons: [warning('NODE'), warning('FAILED_transaction')] };
  const first = start(url, file, now);
  first.pass(58);
  expect(got).toEqual([]);
  first.pass(10);
  await arrived(1);
  expect(events()).toEqual(['begun NODE, begun FAILED_transaction']);
  expect(got[0]!.headers).toMatchObject({
    'content-type': 'application/json',
    'x-token': 'secret-1',
  });
  await first.notifier.idle(); // the answer is here, too
  await first.notifier.stop();
  expect(readFileSync(file, 'utf8')).not.toMatch(/secret-1/);

  // It was down for an hour, in which one of them ended.
  first.pass(3_600);
  now.reasons = [warning('NODE')];
  const second = start(url, file, now);
  second.pass(58);
  expect(got).toHaveLength(1);
  second.pass(10);
  await arrived(2);
  expect(events()[1]).toBe('resolved FAILED_transaction');
  await second.notifier.idle();
  vi.setSystemTime(Date.now() + 86_400_000); // 43,200 looks in a row would take too long
  second.pass(32);
  await arrived(3);
  expect(events()[2]).toBe('reminder NODE');
});

it('a message names the storage, the alarm, since when, and what to do', async () => {
  const { got, url, arrived } = await receiver();
  const text = 'nothing at <!channel> & more';
  const status = liveStatus({}, { alarms: [{ code: 'NODE', text, since: ago(9_000) }] });
  const { pass } = start(url, stateFile(), healthOf(status, DEFAULT_LIMITS, Date.now()));
  pass(70);
  await arrived(1);
  const { body } = got[0]!;
  const since = ago(9_000);
  expect(body).toEqual({
    schema: 1,
    text: expect.stringMatching(
      /^aptos-backup CRITICAL: \/backups on host-1\n- critical, since 20.*: NODE: nothing at &lt;!channel&gt; &amp; more \(Start the node, or give another one\.\)\n/,
    ) as string,
    at: expect.stringMatching(/^20/) as string,
    host: 'host-1',
    storage: '/backups',
    workflow_id: ABOUT.workflowId,
    page: 'http://host-1:9464',
    severity: 'critical',
    lasting: expect.any(Number) as number,
    alarms: expect.arrayContaining([
      {
        id: `${ABOUT.workflowId}#NODE@${since}`,
        ...{ event: 'begun', code: 'NODE', severity: 'critical' },
        ...{ text: `NODE: ${text}`, since, what_to_do: 'Start the node, or give another one.' },
      },
    ]) as object,
  });
});

it('a message that does not get through holds nothing up, is sent again with what is true then, and is a warning', async () => {
  const { got, state, url, arrived, events } = await receiver();
  const file = stateFile();
  const now: { reasons: Reasons } = { reasons: [warning('NODE')] };
  const { notifier, lines, pass } = start(url, file, now);
  state.answer = 500;
  pass(62);
  await arrived(1);
  await until('that is said', () => lines.length > 0);
  expect(lines.join()).toMatch(
    /^A notification by webhook \(http:\S+\) failed: answered 500: thanks; it is tried again$/,
  );
  expect(notifier.health().level).toBe('ok'); // one try may fail
  for (const [count, rest] of [
    [2, 6],
    [3, 12],
  ] as const) {
    pass(rest);
    await arrived(count);
    await notifier.idle();
  }
  expect(notifier.health().reasons).toMatchObject([
    {
      level: 'warning',
      code: 'NOTIFICATIONS_webhook',
      what: expect.stringMatching(/answered 500/) as string,
    },
  ]);
  expect((await notifier.metrics()).text).toMatch(
    /total\{way="webhook",outcome="failed"\} 3$[^]*failing\{way="webhook"\} 1$/m,
  );
  expect(storedWays(join(file, '../..'), ABOUT.workflowId)).toMatchObject([
    { way: 'webhook', to: url, why: 'answered 500: thanks' },
  ]);

  // Meanwhile another alarm began.
  now.reasons = [warning('NODE'), warning('COPY')];
  pass(70);
  await arrived(4);
  await notifier.idle();
  // The first one ends untold.
  now.reasons = [warning('COPY')];
  state.answer = 204;
  pass(45);
  await arrived(5);
  await notifier.idle();
  expect(events()[4]).toBe('begun COPY, resolved NOTIFICATIONS_webhook');
  expect(lines.at(-1)).toMatch(/^Notifications by webhook \(http:\S+\) get through again$/);
  expect(notifier.health().level).toBe('ok');
  expect((await notifier.metrics()).text).toMatch(/outcome="delivered"\} 1$/m);
  pass(600);
  await notifier.idle();
  expect(got).toHaveLength(5);
});

it('a way that fails is told on the other way', async () => {
  const { url, arrived, events, state } = await receiver();
  state.answer = 200;
  const lines: string[] = [];
  const notifier = new Notifier({
    ways: [
      webhookWay({ url, to: url, headers: {} }),
      commandWay({ program: '/no/such/program', args: [] }),
    ],
    patience: { afterMs: 0, remindMs: undefined },
    ...{ about: ABOUT, file: stateFile(), say: (line: string) => lines.push(line) },
  });
  onTestFinished(() => notifier.stop());
  notifier.watch(sourceOf({ reasons: [warning('NODE')] }));
  for (let tries = 0; tries < 4; tries += 1) {
    vi.advanceTimersByTime(40_000);
    await notifier.idle();
  }
  await arrived(2);
  expect(events()).toEqual(['begun NODE', 'begun NOTIFICATIONS_command']);
  expect(lines[0]).toMatch(/^A notification by command \(.*there is no such program/);
});

it('a state file that cannot be used is said, and alarms are told again', async () => {
  const { url, arrived } = await receiver();
  const file = stateFile();
  const now = { reasons: [warning('NODE')] };
  const first = start(url, file, now);
  first.pass(62);
  await arrived(1);
  await first.notifier.stop();
  writeFileSync(file, '{"version":1,');
  const second = start(url, file, now);
  expect(second.lines.join()).toMatch(/cannot be used: .*Alarms that were sent are sent again/);
  second.pass(62);
  await arrived(2);
});

it('while a node is looked at anew, what was known of it is not over', async () => {
  const { got, url, arrived, events } = await receiver();
  const now: { reasons: Reasons } = { reasons: [warning('GENESIS_UNCONFIRMED'), warning('COPY')] };
  const { notifier, pass } = start(url, stateFile(), now);
  pass(62);
  await arrived(1);
  await notifier.idle();
  const { seen: _, ...anew } = liveStatus();
  now.reasons = [];
  notifier.watch({ ...sourceOf(now), details: () => ({ status: anew }) });
  pass(120);
  await arrived(2);
  await notifier.idle();
  expect(events()[1]).toBe('resolved COPY');
  pass(120);
  notifier.watch({ ...sourceOf(now), details: () => ({ status: liveStatus() }) });
  expect(got).toHaveLength(2);
  pass(70);
  await arrived(3);
  expect(events()[2]).toBe('resolved GENESIS_UNCONFIRMED');
});

it('a start that takes too long is told, without a coordinator', async () => {
  const { url, arrived, events } = await receiver();
  const file = stateFile();
  const { notifier, pass } = start(url, file, { reasons: [] });
  notifier.watch();
  pass(340);
  expect(events()).toEqual([]);
  pass(30);
  await arrived(1);
  expect(events()).toEqual(['begun NO_ANSWER']);
});

it('what a process said that tells nothing any more does not count', () => {
  const file = stateFile();
  const failing = new Date().toISOString();
  const way = { way: 'webhook', to: 'x', failing_since: failing, told: {} } as const;
  writeState(file, { alarms: {}, ways: { w: way } });
  expect(storedWays(join(file, '../..'), ABOUT.workflowId)).toHaveLength(1);
  vi.advanceTimersByTime(301_000);
  expect(storedWays(join(file, '../..'), ABOUT.workflowId)).toBeUndefined();
});
