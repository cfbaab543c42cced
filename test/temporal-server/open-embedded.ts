// A process that uses the embedded server of the folder in its first argument until it is killed.
import { openEmbeddedServer } from '../../src/temporal-server/embedded.js';

const server = await openEmbeddedServer(process.argv[2]!, { say: () => {} });
console.log(`open ${server.address}`);
setInterval(() => {}, 1_000);
