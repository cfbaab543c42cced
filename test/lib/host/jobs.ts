/** A thread of tests: each order says what its job does. */
import { setTimeout as sleep } from 'node:timers/promises';
import { serveJobs } from '../../../src/lib/host/thread-entry.js';
import { noteTidying } from '../../../src/lib/host/tidying.js';

let done = 0;

serveJobs<{ what: string }, number, unknown, string, number>(
  async ({ what }, { signal, ask }) => {
    done += 1;
    switch (what) {
      case 'add one':
        return done;
      case 'ask':
        return ask('how much?');
      case 'fail':
        throw Object.assign(new TypeError('the order is wrong'), { code: 'WRONG' });
      case 'leave work':
        void noteTidying(sleep(300).then(() => (done += 100)));
        throw new Error('it failed');
      case 'exit':
        return process.exit(7);
      case 'stop when told':
        return new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve('stopped in order'));
        });
      default:
        return sleep(3_600_000); // deaf to a cancel
    }
  },
  () => done,
);
