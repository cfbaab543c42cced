import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TokenCredential } from '@azure/identity';
import type { ContainerClient } from '@azure/storage-blob';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AzureClient } from '../../../src/storage/azure/azure-client.js';
import { azureAccess } from '../../../src/storage/azure/azure-credentials.js';
import { forgetIdentity } from '../../../src/storage/azure/azure-identity.js';
import { AzureStore } from '../../../src/storage/azure/azure-store.js';
import { anyCall } from '../../support/gcs-bucket.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const PLACE = {
  account: 'account',
  container: 'backups',
  prefix: 'e1',
  endpoint: undefined,
  anonymous: false,
};
const SCOPE = 'https://storage.azure.com/.default';
const HOUR = 3600;

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('identity');
  forgetIdentity();
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * A login of `az` that gives tokens for so many seconds. `first`: what it does before. Returns how often it gave one.
 */
function giveLogin(seconds: number, ...first: string[]): () => number {
  const asked = join(folder, 'asked');
  const token = JSON.stringify({
    accessToken: 'token',
    expires_on: Math.floor(Date.now() / 1000) + seconds,
  });
  const lines = ['#!/bin/sh', ...first, `echo asked >> '${asked}'`, `echo '${token}'`, ''];
  writeFileSync(join(folder, 'az'), lines.join('\n'), { mode: 0o755 });
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`);
  vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'AzureCliCredential');
  return () => readFileSync(asked, 'utf8').trim().split('\n').length;
}

/** What each storage does that is opened anew. */
async function tokenOfStorage(): Promise<string | undefined> {
  const { credential } = await azureAccess(PLACE, {});
  return (await (credential as TokenCredential).getToken(SCOPE))?.token;
}

it('A token is asked for once, however many storages are opened.', async () => {
  const asked = giveLogin(HOUR);
  for (let storage = 0; storage < 3; storage += 1) expect(await tokenOfStorage()).toBe('token');
  expect(asked()).toBe(1);
});

it('A token that is refused, or about to end, is asked for anew.', async () => {
  const once = giveLogin(HOUR);
  await tokenOfStorage();
  forgetIdentity(); // as after an answer 401
  await tokenOfStorage();
  expect(once()).toBe(2);
  forgetIdentity();
  const short = giveLogin(60);
  await tokenOfStorage();
  await tokenOfStorage();
  expect(short()).toBe(4);
});

it('A storage that stays open asks for a token anew after an answer 401.', async () => {
  const asked = giveLogin(HOUR);
  const client = new AzureClient(PLACE, { idleMs: 60_000, throttledMs: 60_000, tries: 1 }, {});
  const refused = Object.assign(new Error('refused'), { name: 'RestError', statusCode: 401 });
  const used: ContainerClient[] = [];
  const request = {
    ...{ what: 'tell the time', key: '' },
    async run(container: ContainerClient) {
      used.push(container);
      await (container.credential as TokenCredential).getToken(SCOPE);
      throw refused;
    },
  };
  for (let i = 0; i < 2; i += 1) {
    await expect(client.ask(request, anyCall())).rejects.toMatchObject({ code: 'DENIED' });
  }
  expect(used[0]).not.toBe(used[1]);
  expect(asked()).toBe(2);
});

it('A login that hangs when it is asked for a token is asked anew.', async () => {
  const hanging = join(folder, 'pid');
  const hang = `if [ ! -e '${hanging}' ]; then echo $$ > '${hanging}'; exec sleep 600; fi`;
  const given = giveLogin(HOUR, hang);
  const patience = { idleMs: 5_000, throttledMs: 60_000, tries: 2 };
  const store = new AzureStore({ ...PLACE, endpoint: 'https://127.0.0.1:9' }, { patience });
  // A slow machine loads them for seconds, and would not get to the login before the request is given up.
  await Promise.all([import('@azure/identity'), import('@azure/storage-blob')]);
  try {
    // With its token, the request goes to the store, which is not there.
    await expect(store.now(anyCall())).rejects.toThrow('ECONNREFUSED');
    expect(given()).toBe(1);
  } finally {
    process.kill(Number(readFileSync(hanging, 'utf8')));
  }
});
