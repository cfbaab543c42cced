// A worker of that workflow alone, to be killed.
import { NativeConnection } from '@temporalio/worker';
import { createWorker } from './create-worker.js';

const connection = await NativeConnection.connect({ address: process.argv[2]! });
await (await createWorker(connection, process.argv[3]!)).run();
