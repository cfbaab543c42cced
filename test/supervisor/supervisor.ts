// A process that supervises the script in its first argument until it is killed.
import { superviseWorker } from '../../src/supervisor/worker-process.js';

superviseWorker({ env: process.env, say: () => {}, script: process.argv[2]! });
