/** Ranges and verifications run in threads, which are ended as soon as their job has failed. */
import { readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { runJob } from '../../../src/lib/host/thread-job.js';
import { AdapterPlace } from '../../support/adapters/place.js';
import { ADAPTERS } from '../../support/adapters/yaml.js';
import { programOf } from '../../support/program-of.js';
import { until } from '../../support/until.js';

const PROGRAM = programOf(new URL('look-thread.ts', import.meta.url));
// The YAML parser is loaded from there with the first adapter.
const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url));
symlinkSync(MODULES, join(dirname(PROGRAM), 'node_modules'));

/** Whether a process runs; one that nobody waits for has ended all the same. */
function runs(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

it.each(['get', 'put'] as const)(
  'a cancel in a thread leaves nothing of a command that hangs at %s and does not listen',
  async (verb) => {
    const place = new AdapterPlace(ADAPTERS['gcloud storage with tries']!);
    place.misbehave(`hang-${verb}`);
    const stop = new AbortController();
    const thread = new Worker(PROGRAM);
    const order = { adapter: place.file(), stores: verb === 'put' };
    const running = runJob<typeof order, null, boolean>(thread, order, {
      signal: stop.signal,
      onProgress: () => undefined,
      died: (why) => new Error(why),
    });
    const failed = running.catch(() => thread.terminate());
    await until('it hangs', () => place.hanging().length > 0);
    stop.abort(new Error('enough'));
    await failed;
    expect(place.hanging().some(runs)).toBe(false);
    expect(readdirSync(place.temporary)).toEqual([]);
  },
);
