import type { ErrorEntry } from '../entry.js';

/** A node's backup service, as its client meets it. */
export const NODE_ERRORS = {
  NODE_UNREACHABLE: {
    meaning: 'There is no connection to the node: refused, unknown host, or no route.',
    fault: 'the node',
    retryable: true,
    budget: 'node',
    rest: 'trouble',
    whatToDo:
      'Start the node, or correct its address. It must be the address of the backup service.',
  },
  NODE_TIMEOUT: {
    meaning: 'The node took the request, but no answer began in time.',
    fault: 'the node',
    retryable: true,
    budget: 'node',
    rest: 'silence',
    whatToDo: 'Check the load of the node and the network. A second node helps.',
  },
  NODE_HTTP_STATUS: {
    meaning:
      'The node, or a proxy before it, answered with a status that may pass, such as 500 or 503, or with a page.',
    fault: 'the node',
    retryable: true,
    budget: 'node',
    rest: 'trouble',
    whatToDo: 'Read the log of the node. It also answers 500 to requests for pruned data.',
  },
  NODE_REFUSED: {
    meaning:
      'The node refused the request for good. The address is probably not that of a backup service.',
    fault: 'the input',
    retryable: false,
    budget: 'node',
    rest: 'trouble',
    whatToDo: 'Check the address of the node. With several nodes, the next one is asked.',
  },
  NODE_ABORTED_BEFORE_FIRST_RECORD: {
    meaning:
      'The node broke off before the first record, as it does for everything it cannot read.',
    fault: 'the node',
    retryable: true,
    budget: 'node',
    rest: 'trouble',
    whatToDo: 'Read the log of the node. It may have pruned the range, or its database is damaged.',
  },
  NODE_STREAM_CUT: {
    meaning: 'The answer broke off in the middle.',
    fault: 'the network',
    retryable: true,
    budget: 'node',
    rest: 'trouble',
    whatToDo: 'Nothing, if it is rare. Else check the network and proxies before the node.',
  },
  NODE_SHARE_LOST: {
    meaning:
      'The use of the node is limited, and this process had no share of the limits for a minute.',
    fault: 'nobody',
    retryable: true,
    budget: 'troubles',
    whatToDo:
      'See whether the Temporal server answers, and what the log of the worker says about the limits.',
  },
  NODE_STALLED: {
    meaning: 'The answer stopped: no byte came for too long.',
    fault: 'the node',
    retryable: true,
    budget: 'node',
    rest: 'silence',
    whatToDo: 'Check the load of the node and the network. A second node helps.',
  },
  NODE_TOO_SLOW: {
    meaning: 'For a minute, the answer came more slowly than the least rate that is accepted.',
    fault: 'the node',
    retryable: true,
    budget: 'node',
    rest: 'silence',
    whatToDo: 'Check the load of the node and the network. A second node helps.',
  },
  NODE_SHORT: {
    meaning: 'The answer ended cleanly, with fewer records than asked for.',
    fault: 'the node',
    retryable: true,
    budget: 'lies',
    rest: 'trouble',
    whatToDo: 'Wait until the node has synced further, or give another node.',
  },
  NODE_OVERLONG: {
    meaning: 'The answer has more records than asked for.',
    fault: 'the node',
    retryable: true,
    budget: 'lies',
    rest: 'trouble',
    whatToDo: 'Give another node, and check what serves at this address.',
  },
  NODE_RECORD_TOO_LARGE: {
    meaning: 'The answer announces a record above the limit.',
    fault: 'the node',
    retryable: true,
    budget: 'lies',
    rest: 'trouble',
    whatToDo: 'Give another node, and check what serves at this address.',
  },
  NODE_BAD_ANSWER: {
    meaning: 'The answer is not what the endpoint should give, or not HTTP.',
    fault: 'the node',
    retryable: true,
    budget: 'lies',
    rest: 'trouble',
    whatToDo: 'Check that the address is that of the backup service, not of another API.',
  },
  NODE_CONTRADICTED: {
    meaning: 'Two answers in a row cannot both be true.',
    fault: 'the node',
    retryable: true,
    budget: 'lies',
    rest: 'lie',
    whatToDo: 'Give another node. Behind a balancer, give each node by its own address.',
  },
} as const satisfies Record<string, ErrorEntry>;
