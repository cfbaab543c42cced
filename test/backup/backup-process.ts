// A process that backs up the first hundred transactions of a node.
import { backUp } from '../support/back-up.js';

const [node = '', folder = ''] = process.argv.slice(2);
await backUp({
  node,
  folder,
  owner: 'one workflow',
  target: { type: 'transaction', start_version: 0, num_transactions: 100 },
});
