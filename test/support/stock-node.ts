import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import {
  Accumulator,
  decodeLedgerInfoWithSignatures,
  decodeTransactionRangeProof,
  encodeTransactionRangeProof,
  hash,
} from '../../src/aptos/index.js';
import { emptyParts, splitTransaction } from '../../src/aptos/records/split-transaction.js';
import { STOCK, joinRecords, splitRecords } from './storage-copy.js';
import { listen } from './listen.js';

/** Bodies that the real service answered: all epoch endings, all transactions, the newest proof. */
const recorded = (name: string) => readFileSync(join(STOCK, 'http', name));
const EPOCH_ENDINGS = '001.body';
const TRANSACTIONS = '014.body';
const STATE = '000.body';
const OPEN_EPOCH_PROOF = '028.body';
const ITEM_COUNT = '038.body';

/**
 * A node with the chain of the stock fixtures, made from recorded answers. Ledger infos and transactions
 * are the recorded ones; range proofs are made for any range. It has pruned all states except that of the
 * last ended epoch, of which it gives the count.
 */
export async function stockNode(): Promise<string> {
  const endings = splitRecords(recorded(EPOCH_ENDINGS));
  const transactions = splitRecords(recorded(TRANSACTIONS));
  const tip = decodeTransactionRangeProof(recorded(OPEN_EPOCH_PROOF)).ledgerInfo;
  const ledgerInfos = [...endings.map((bytes) => decodeLedgerInfoWithSignatures(bytes)), tip];
  const newest = Number(ledgerInfos.at(-2)!.ledgerInfo.version);
  const accumulator = new Accumulator('TransactionAccumulator');
  const parts = emptyParts();
  for (const record of transactions) {
    splitTransaction(record, 0, record.length, 'V1', parts);
    accumulator.append(hash('TransactionInfo', record.subarray(parts.info, parts.events)));
  }
  const rangeProof = (first: number, last: number) => {
    const { ledgerInfo, bytes } = ledgerInfos.find((l) => l.ledgerInfo.version >= BigInt(last))!;
    const size = Number(ledgerInfo.version) + 1;
    const { left, right } = accumulator.rangeProof(first, last, size);
    return encodeTransactionRangeProof(left, right, bytes);
  };
  const answer = (path: string): Uint8Array | undefined => {
    const [, endpoint, ...params] = path.split('/');
    const [a, b] = params.map(Number) as [number, number];
    switch (endpoint) {
      case 'db_state':
        return recorded(STATE);
      case 'epoch_ending_ledger_infos':
        return joinRecords(endings.slice(a, b));
      case 'transactions':
        return joinRecords(transactions.slice(a, a + b));
      case 'transaction_range_proof':
        return b < transactions.length ? rangeProof(a, b) : undefined;
      case 'state_item_count':
        return a === newest ? recorded(ITEM_COUNT) : undefined;
      default:
        return undefined;
    }
  };
  return serve((path) => answer(path));
}

function serve(answer: (path: string) => Uint8Array | undefined): Promise<string> {
  const server = createServer((request, response) => {
    const body = answer(request.url!);
    response.writeHead(body ? 200 : 500).end(body);
  });
  return listen(server);
}
