// A process that backs up some transactions of a node, for one workflow.
import { backUp } from '../support/back-up.js';

const [node = '', folder = '', first = '0', count = '100'] = process.argv.slice(2);
await backUp({
  node,
  folder,
  owner: 'one workflow',
  target: { type: 'transaction', start_version: Number(first), num_transactions: Number(count) },
});
