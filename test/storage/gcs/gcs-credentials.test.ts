import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GcsStore } from '../../../src/storage/gcs/gcs-store.js';
import {
  anyCall,
  gcsServer,
  makeGcsBucket,
  proxyBefore,
  putObject,
} from '../../support/gcs-bucket.js';
import { listen } from '../../support/listen.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const server = gcsServer();
const SECRET = 'very-secret-value';
const TOKEN = 'access-token-of-the-test';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('credentials');
});
afterEach(() => {
  delete process.env['GOOGLE_APPLICATION_CREDENTIALS'];
  rmSync(folder, { recursive: true, force: true });
});

/** Credentials of a host, as Google's standard chain finds them. */
function giveCredentials(content: string): void {
  const file = join(folder, 'credentials.json');
  writeFileSync(file, content);
  process.env['GOOGLE_APPLICATION_CREDENTIALS'] = file;
}

/** Those of a workload that shows a token of its own and gets one of Google's for it. */
function giveWorkload(tokenServer: string): void {
  const subject = join(folder, 'subject-token');
  writeFileSync(subject, SECRET);
  giveCredentials(
    JSON.stringify({
      type: 'external_account',
      audience:
        '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${tokenServer}/token`,
      credential_source: { file: subject },
    }),
  );
}

/** A server of tokens that gives the answers one after another, and the last one from then on. */
async function tokenServer(...answers: [status: number, body: object][]): Promise<string> {
  let asked = 0;
  const tokens = createServer((question, answer) => {
    const [status, body] = answers[Math.min(asked, answers.length - 1)] ?? [500, {}];
    asked += 1;
    question.resume().on('end', () => {
      answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  return listen(tokens);
}

const granted = {
  access_token: TOKEN,
  expires_in: 3600,
  token_type: 'Bearer',
  issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
};

async function withCredentials(endpoint = server.endpoint, idleMs = 20_000, tries = 2) {
  const { name } = await makeGcsBucket(server);
  const place = { bucket: name, prefix: 'p', endpoint, anonymous: false };
  return new GcsStore(place, { idleMs, throttledMs: 60_000, tries });
}

async function refusal(store: GcsStore) {
  const error: unknown = await store.head('a/x.chunk', anyCall()).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const { stack = '', cause } = error as Error;
  expect(`${stack} ${String(cause)} ${JSON.stringify(error)}`).not.toContain(SECRET);
  return error;
}

it.each([
  ['a file that is not there', undefined],
  ['a file that is no JSON', `{"private_key":"${SECRET}"`],
  [
    'a key that is none',
    `{"type":"service_account","client_email":"a@b","private_key":"${SECRET}"}`,
  ],
  ['a kind that there is not', `{"type":"${SECRET}"}`],
])('credentials that cannot be used are told without showing them: %s', async (_, content) => {
  if (content === undefined) {
    process.env['GOOGLE_APPLICATION_CREDENTIALS'] = join(folder, 'none.json');
  } else {
    giveCredentials(content);
  }
  const error = await refusal(await withCredentials());
  expect(error).toMatchObject({
    code: 'DENIED',
    message: expect.stringMatching(
      /^no usable Google credentials were found for bucket gs:.*GOOGLE_APPLICATION_CREDENTIALS/,
    ) as string,
  });
});

it('credentials that the token server refuses are told, and a wrong clock', async () => {
  const refused = { error: 'invalid_grant', error_description: `Bad token ${SECRET}` };
  giveWorkload(await tokenServer([400, refused]));
  expect(await refusal(await withCredentials())).toMatchObject({
    code: 'DENIED',
    message: expect.stringContaining('expired, were revoked, or have no right') as string,
  });
  const early = { ...refused, error_description: 'Token must be in a reasonable timeframe: iat' };
  giveWorkload(await tokenServer([400, early]));
  expect(await refusal(await withCredentials())).toMatchObject({
    code: 'DENIED',
    message: expect.stringContaining('the clock of this host is wrong') as string,
  });
  giveWorkload('http://127.0.0.1:1');
  expect(await refusal(await withCredentials())).toMatchObject({
    code: 'STORAGE_FAILED',
    message: expect.stringContaining('token server cannot be reached (ECONNREFUSED)') as string,
  });
});

it('credentials of the host are sent, and looked for anew when GCS no longer takes them', async () => {
  const renewed = { ...granted, access_token: 'a-newer-token' };
  giveWorkload(await tokenServer([503, {}], [200, granted], [200, renewed]));
  let accepted = `Bearer ${TOKEN}`;
  const { endpoint, asked } = await proxyBefore(server, ({ headers }) =>
    headers.authorization === accepted ? undefined : { status: 401 },
  );
  const store = await withCredentials(endpoint);
  expect(await putObject(store, 'a/x.chunk', Buffer.from('content'))).toBe('created');
  expect(asked.map(({ headers }) => headers.authorization)).toEqual([accepted]);
  accepted = 'Bearer a-newer-token';
  expect(await store.head('a/x.chunk', anyCall())).toMatchObject({ bytes: 7n });
  expect(asked.map(({ path }) => path).join()).not.toContain('token');
});

it('a token server that falls silent is asked anew, and not waited for by all for ever', async () => {
  let asked = 0;
  const tokens = createServer((question, answer) => {
    asked += 1;
    question.resume();
    if (asked === 1) return; // it hangs
    answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(granted));
  });
  giveWorkload(await listen(tokens));
  // The credentials of the test before are no longer taken.
  const { endpoint } = await proxyBefore(server, (_, number) =>
    number === 1 ? { status: 401 } : undefined,
  );
  const store = await withCredentials(endpoint, 2_000, 6);
  expect(await putObject(store, 'a/x.chunk', Buffer.from('content'))).toBe('created');
  expect(asked).toBeGreaterThan(1);
});
