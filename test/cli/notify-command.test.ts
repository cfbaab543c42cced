/** Notifications as an operator turns them on: the test command, and `up` whose node is gone. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Message } from '../../src/notify/message.js';
import { devnode, storageFolder } from '../support/backup.js';
import { dataFolder, runCli, startCli } from '../support/cli.js';
import { listen } from '../support/listen.js';
import { until } from '../support/until.js';
import { hasCaughtUp } from '../support/caught-up.js';
import type { HealthJson } from '../../src/contract/answers/shown-answers.js';

/** A receiver of messages; its path is a secret. */
async function receiver() {
  const got: Message[] = [];
  const state = { answer: 200 };
  const url = await listen(
    createServer((request, response) => {
      let text = '';
      request.on('data', (part: Buffer) => (text += part.toString()));
      request.on('end', () => {
        got.push(JSON.parse(text) as Message);
        response.writeHead(state.answer).end('noted');
      });
    }),
  );
  return { got, state, url, secret: `${url}/services/secret` };
}

it('notify test says what the receiver answers, by its exit code, too', async () => {
  const { got, state, url, secret } = await receiver();
  const file = join(dataFolder(), 'webhook');
  writeFileSync(file, `${secret}\n`);
  const test = (...flags: string[]) => runCli(['notify', 'test', ...flags]);
  const good = await test('--notify-webhook-file', file, '--storage', 'file:///backups/e1');
  expect(good).toEqual({
    code: 0,
    out: `webhook ${url}: delivered, answered 200: noted\n`,
    err: '',
  });
  expect(got).toMatchObject([
    { schema: 1, storage: '/backups/e1', severity: 'ok', alarms: [{ event: 'test' }] },
  ]);
  state.answer = 403;
  const bad = await test('--notify-webhook-file', file, '--notify-command', '/bin/echo', 'paged');
  expect(bad.code).toBe(1);
  expect(bad.out).toBe(
    `webhook ${url}: NOT delivered, answered 403: noted\ncommand /bin/echo: delivered, ended with exit code 0: paged\n`,
  );
  expect(await test()).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^aptos-backup: say where to: --notify-webhook URL/) as string,
  });
});

it('up tells its receiver what is wrong, then that the node is gone, and where its page is', async () => {
  const { got, secret, url } = await receiver();
  const folder = storageFolder();
  const node = await devnode({ startTime: 'now' });
  const up = startCli(
    [
      ...['up', '--health-address', '0', '--notify-after', '1', '--data-dir', dataFolder()],
      ...['--backup-service-address', node.address, '--local-fs-dir', folder],
    ],
    { APTOS_BACKUP_NOTIFY_WEBHOOK: secret },
  );
  await up.says(/^Health: /);
  const page = up.lines.find((line) => line.startsWith('Health: '))!.slice('Health: '.length);
  const about = (code: string) => got.find(({ alarms }) => alarms.some((one) => one.code === code));
  // No waypoint was given.
  await until('the first arrives', () => about('GENESIS_UNCONFIRMED') !== undefined);
  // Units that fail without the node would be told, too.
  await until('nothing is left to do', async () => {
    const { status } = (await (await fetch(`${page}/healthz`)).json()) as HealthJson;
    return hasCaughtUp(status, node.facts());
  });
  await node.close();
  await until('the alarm arrives', () => about('NODE') !== undefined);
  const message = about('NODE')!;
  expect(message).toMatchObject({ storage: folder, page, severity: 'warning', lasting: 2 });
  expect(message.workflow_id).toMatch(/^aptos-backup\/.*\/coordinator$/);
  expect(message.alarms).toMatchObject([
    { event: 'begun', code: 'NODE', what_to_do: 'Start the node, or give another one.' },
  ]);
  // The receiver has the message before its sender has the answer.
  await until('both are counted', async () =>
    /^aptos_backup_notifications_total\{way="webhook",outcome="delivered"\} [2-9]$/m.test(
      await (await fetch(`${page}/metrics`)).text(),
    ),
  );
  expect(await up.stop()).toBe(0);
  expect(up.lines.join('\n')).toContain(`Notifications: by webhook (${url})`);
  expect(up.lines.join('\n')).not.toContain('secret');
});
