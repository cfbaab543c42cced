/** The two ways of notifications, with real receivers and programs: what gets through, and every way not to. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { run } from '../../src/lib/host/run.js';
import { commandWay } from '../../src/notify/command.js';
import { testMessage } from '../../src/notify/message.js';
import { notifySettings } from '../../src/notify/settings.js';
import { webhookWay } from '../../src/notify/webhook.js';
import { dataFolder } from '../support/cli.js';
import { listen } from '../support/listen.js';
import { until } from '../support/until.js';

const MESSAGE = testMessage(
  {
    storage: '/backups',
    workflowId: 'aptos-backup/x/coordinator',
    host: 'host-1',
    page: undefined,
  },
  Date.parse('2026-01-01T00:00:00Z'),
);
const never = new AbortController().signal;

async function sendTo(listener: RequestListener, signal = never, timeoutMs?: number) {
  const url = await listen(createServer(listener));
  const way = webhookWay({ url: `${url}/secret-path`, to: url, headers: {} }, timeoutMs);
  return way.send(MESSAGE, signal);
}

it('a webhook that answers well is told as such, with the begin of its answer', async () => {
  const long = 'ok\n\u001b[2J'.repeat(500);
  expect(await sendTo((_, response) => response.end('ok'))).toBe('answered 200: ok');
  expect(await sendTo((_, response) => response.writeHead(204).end())).toBe('answered 204');
  const answer = await sendTo((_, response) => response.end(long));
  expect(answer).toMatch(/^answered 200: ok \[2J/);
  expect(answer.length).toBeLessThan(330);
});

it.each<[string, RequestListener, RegExp, number?]>([
  ['500', (_, response) => response.writeHead(500).end('oops'), /^answered 500: oops$/],
  [
    'a redirect to another host',
    (_, response) => response.writeHead(307, { location: 'http://127.0.0.2:9/x?secret=1' }).end(),
    /^answered 307, a redirect to http:\/\/127\.0\.0\.2:9, which is not followed: give the URL/,
  ],
  ['no answer', (_, response) => void response, /^no answer within 0\.3 s$/, 300],
  [
    'an answer that never ends',
    (_, response) => response.write('a'),
    /^no answer within 0\.3 s$/,
    300,
  ],
  ['a closed connection', (_, response) => response.destroy(), /^other side closed$/],
])(
  'a webhook with %s fails in time, and says why without its path',
  async (_, listener, why, timeoutMs) => {
    const error = await sendTo(listener, never, timeoutMs).catch((failed: Error) => failed);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toMatch(why);
    expect((error as Error).message).not.toContain('secret');
  },
);

it('a webhook that refuses connections, or whose certificate nobody trusts, says so', async () => {
  const way = webhookWay({ url: 'http://127.0.0.1:1/', to: 'x', headers: {} });
  await expect(way.send(MESSAGE, never)).rejects.toThrow(/ECONNREFUSED|bad port/);
});

it('a webhook that repeats what it was asked shows nothing of its URL and its headers', async () => {
  const url = await listen(
    createServer(({ url: path, headers }, response) => {
      const asked = `${path ?? ''}, for ${headers.authorization ?? ''}`;
      response.writeHead(404).end(`Cannot POST ${asked}: no hook hunter 22hunter22`);
    }),
  );
  const way = webhookWay({
    ...{ url: `${url}/T0/hunter%2022hunter22?code=hunter33hunter33`, to: url },
    headers: { authorization: 'Bearer hunter44hunter44' },
  });
  await expect(way.send(MESSAGE, never)).rejects.toThrow(
    'answered 404: Cannot POST ***, for ***: no hook ***',
  );
});

it('the last words of a command are told without the secrets of the environment', async () => {
  vi.stubEnv('PAGER_TOKEN', 'hunter55hunter55');
  onTestFinished(() => void vi.unstubAllEnvs());
  const { file } = program('echo "token $PAGER_TOKEN is old"; exit 1');
  const way = commandWay({ program: file, args: [] });
  await expect(way.send(MESSAGE, never)).rejects.toThrow('exit code 1: token *** is old');
});

it('a sending that is cancelled ends at once', async () => {
  const leaving = new AbortController();
  const sending = sendTo(() => leaving.abort(new Error('leaving')), leaving.signal);
  await expect(sending).rejects.toThrow('leaving');
});

/** A program that does something with what it gets. */
function program(script: string) {
  const folder = dataFolder();
  const file = join(folder, 'program');
  writeFileSync(file, `#!/bin/sh\ncd '${folder}'\n${script}\n`, { mode: 0o755 });
  return { file, at: (name: string) => join(folder, name) };
}

it('a command gets the message on its standard input, the facts as variables, and its arguments unchanged', async () => {
  const { file, at } = program(
    'cat > message; env > env; printf "%s\\n" "$@" > arguments; echo paged',
  );
  process.env['APTOS_BACKUP_PAGE_TOKEN'] = 'a-secret-of-the-page';
  const args = ['$(touch hacked)', 'a b; c', '--now'];
  const answer = await commandWay({ program: file, args }).send(MESSAGE, never);
  delete process.env['APTOS_BACKUP_PAGE_TOKEN'];
  expect(answer).toBe('ended with exit code 0: paged');
  expect(JSON.parse(readFileSync(at('message'), 'utf8'))).toEqual(MESSAGE);
  expect(readFileSync(at('arguments'), 'utf8')).toBe(`${args.join('\n')}\n`);
  const env = readFileSync(at('env'), 'utf8');
  expect(env).toMatch(/^APTOS_BACKUP_ALARM_CODE=TEST$/m);
  expect(env).toMatch(/^APTOS_BACKUP_ALARM_EVENT=test$/m);
  expect(env).toMatch(/^APTOS_BACKUP_ALARM_STORAGE=\/backups$/m);
  expect(env).toMatch(/^PATH=/m);
  expect(env).not.toContain('a-secret-of-the-page');
});

it('a command that takes too long is killed with its children', async () => {
  const { file, at } = program('sleep 600 & echo $! > child; echo waits; wait');
  let child = '';
  // A slow machine may need longer than that to start the child.
  for (let seconds = 1; child === ''; seconds *= 2) {
    const sending = commandWay({ program: file, args: [] }, seconds * 1_000).send(MESSAGE, never);
    await expect(sending).rejects.toThrow(`took longer than ${seconds} s and was killed`);
    if (existsSync(at('child'))) child = readFileSync(at('child'), 'utf8').trim();
  }
  const isGone = () => {
    try {
      return / Z /.test(readFileSync(`/proc/${child}/stat`, 'utf8'));
    } catch {
      return true;
    }
  };
  await until('its child is gone', isGone);
});

it.each<[string, string, RegExp]>([
  ['that fails', 'echo no route >&2; exit 3', /^ended with exit code 3: no route$/],
  ['that is killed', 'kill -9 $$', /^ended with signal SIGKILL$/],
])('a command %s says how it ended, and its last words', async (_, script, why) => {
  const way = commandWay({ program: program(script).file, args: [] });
  await expect(way.send(MESSAGE, never)).rejects.toThrow(why);
});

it('a command that reads nothing, and leaves a child with its output, has ended', async () => {
  const way = commandWay({ program: program('sleep 3 & exit 0').file, args: [] });
  expect(await way.send(MESSAGE, never)).toBe('ended with exit code 0');
});

it('a command for which there is no free file descriptor fails, and nothing else does', async () => {
  const script = join(dataFolder(), 'send.mjs');
  const way = pathToFileURL(resolve('src/notify/command.ts')).href;
  writeFileSync(
    script,
    `import { openSync } from 'node:fs';
    import { commandWay } from ${JSON.stringify(way)};
    const way = commandWay({ program: '/bin/true', args: [] });
    const message = { alarms: [], text: '' };
    const { signal } = new AbortController();
    const first = await way.send(message, signal);
    try { for (;;) openSync('/dev/null'); } catch {}
    const second = await way.send(message, signal).catch((error) => error.message);
    console.log(JSON.stringify([first, second]));
    process.exit();`,
  );
  const line = 'ulimit -n 100; exec "$0" --import tsx "$1"';
  const { stdout } = await run('bash', ['-c', line, process.execPath, script], {
    timeoutMs: 60_000,
  });
  expect(JSON.parse(stdout)).toEqual([
    'ended with exit code 0',
    'too many files are open in this process',
  ]);
});

it('settings come from flags and from the environment, and secrets from files', () => {
  const folder = dataFolder();
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const headers = file('headers', '# ours\nAuthorization: Bearer abc\n\nX-Team:  night \n');
  const url = file('url', 'https://hooks.example.com/services/T0/secret\n');
  expect(notifySettings({}, {})).toBeUndefined();
  expect(
    notifySettings(
      { notifyWebhookFile: url, notifyCommand: ['/bin/page', 'now'], notifyAfter: '2m' },
      {
        APTOS_BACKUP_NOTIFY_WEBHOOK_HEADERS_FILE: headers,
        APTOS_BACKUP_NOTIFY_COMMAND: 'not this one',
        APTOS_BACKUP_NOTIFY_REMIND: '0',
      },
    ),
  ).toEqual({
    webhook: {
      url: 'https://hooks.example.com/services/T0/secret',
      to: 'https://hooks.example.com',
      headers: { authorization: 'Bearer abc', 'x-team': 'night' },
    },
    command: { program: '/bin/page', args: ['now'] },
    afterMs: 120_000,
    remindMs: undefined,
  });
  const env = { APTOS_BACKUP_NOTIFY_COMMAND: '["/bin/page", "--now"]' };
  expect(notifySettings({}, env)).toEqual({
    command: { program: '/bin/page', args: ['--now'] },
    ...{ afterMs: 60_000, remindMs: 86_400_000 },
  });
});

it.each<[Parameters<typeof notifySettings>[0], RegExp]>([
  [{ notifyWebhook: 'hooks' }, /^--notify-webhook must be a URL like https:/],
  [
    { notifyWebhook: 'https://a/1\nhttps://b/2' },
    /^--notify-webhook must be one URL, without blanks and new lines$/,
  ],
  [{ notifyWebhook: 'ftp://x/' }, /^--notify-webhook must begin with https:\/\/ or http:\/\//],
  [
    { notifyWebhook: 'https://me:secret@x/' },
    /^--notify-webhook must not hold a user.*headers-file/,
  ],
  [{ notifyWebhook: 'https://x/', notifyWebhookFile: '/f' }, /^give one of --notify-webhook and/],
  [
    { notifyWebhookFile: '/no/file' },
    /^--notify-webhook-file \/no\/file: there is no such file; check the path$/,
  ],
  [{ notifyWebhookHeadersFile: '/f' }, /^--notify-webhook-headers-file needs a webhook/],
  [{ notifyCommand: ['[1]'] }, /^--notify-command must be a program and its arguments, or a JSON/],
  [{ notifyCommand: ['x'], notifyAfter: 'soon' }, /^--notify-after must be seconds.*not "soon"/],
])('%j is refused', (flags, why) => {
  expect(() => notifySettings(flags, {})).toThrow(why);
});
