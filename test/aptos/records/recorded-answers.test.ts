/** Every recorded answer of a real node is read, and proves what it claims. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type EpochState,
  decodeLedgerInfoWithSignatures,
} from '../../../src/aptos/chain/ledger-info.js';
import {
  decodeStateRangeProof,
  decodeStateRootProof,
  decodeTransactionRangeProof,
  encodeStateRangeProof,
  verifyStateRoot,
} from '../../../src/aptos/chain/proofs.js';
import { verifyLedgerInfoSignatures } from '../../../src/aptos/chain/signatures.js';
import { skipStateKey } from '../../../src/aptos/bcs/skip-state.js';
import { createBatchHasher } from '../../../src/aptos/hash/batch-hasher.js';
import { hash } from '../../../src/aptos/hash/seeds.js';
import { toHex } from '../../../src/aptos/hex.js';
import { RecordFramer } from '../../../src/aptos/records/framing.js';
import { stateKeyHash } from '../../../src/aptos/records/state-key.js';
import { TransactionChunkVerifier } from '../../../src/aptos/records/transaction-chunk.js';
import { StateTree } from '../../../src/aptos/state-tree/state-tree.js';

interface Recorded {
  path: string;
  status_line: string | null;
  body_file?: string;
  body_bytes: number;
  clean_end: boolean | null;
}

describe.each(['stock', 'stock-v0'])('%s', (chain) => {
  const folder = new URL(`../../fixtures/${chain}/http/`, import.meta.url);
  const { requests } = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')) as {
    requests: Recorded[];
  };
  const hasher = createBatchHasher();
  /** Good answers of one endpoint, with their parameters. */
  const answers = (endpoint: string) =>
    requests
      .filter(({ path, status_line: status, clean_end: clean, body_file: file }) => {
        return path.startsWith(`/${endpoint}/`) && status?.includes('200') && clean && file;
      })
      .map(({ path, body_file: file }) => ({
        path,
        params: path.split('?')[0]!.split('/').slice(2),
        body: Uint8Array.from(readFileSync(new URL(file!, folder))),
      }));

  const records = (body: Uint8Array): Uint8Array[] => {
    const found: Uint8Array[] = [];
    for (let at = 0; at < body.length;) {
      const end = at + 4 + new DataView(body.buffer, at, 4).getUint32(0);
      found.push(body.subarray(at + 4, end));
      at = end;
    }
    return found;
  };
  const largest = (endpoint: string) =>
    answers(endpoint).sort((a, b) => b.body.length - a.body.length)[0]!;

  it('epoch endings are signed by the validators before them', () => {
    let state: EpochState | undefined;
    const all = records(largest('epoch_ending_ledger_infos').body);
    expect(all.length).toBeGreaterThan(3);
    for (const record of all) {
      const signed = decodeLedgerInfoWithSignatures(record);
      expect(toHex(signed.bytes)).toBe(toHex(record));
      if (state) verifyLedgerInfoSignatures(state, signed);
      state = signed.ledgerInfo.nextEpochState;
    }
  });

  it('every range proof proves its transactions', () => {
    const body = largest('transactions').body;
    const split = records(body);
    const proofs = answers('transaction_range_proof');
    expect(proofs.length).toBeGreaterThan(3);
    for (const { params, path, body: proof } of proofs) {
      const [first, last] = params.map(Number);
      const verifier = new TransactionChunkVerifier(hasher, BigInt(first!));
      const framer = new RecordFramer(hasher);
      for (const record of split.slice(first, last! + 1)) {
        const prefix = Buffer.alloc(4);
        prefix.writeUInt32BE(record.length);
        for (const block of framer.push(Buffer.concat([prefix, record]))) {
          verifier.add(block, 0, block.count);
        }
      }
      const rest = framer.flush();
      if (rest) verifier.add(rest, 0, rest.count);
      expect(() => verifier.prove(decodeTransactionRangeProof(proof)), path).not.toThrow();
    }
  });

  it('every state range proof is the one that the tree over the items gives', () => {
    const items = records(largest('state_snapshot').body).map((record) => {
      const end = skipStateKey(record, 0, record.length);
      return {
        key: stateKeyHash(record.subarray(0, end)),
        value: hash('StateValue', record.subarray(end)),
      };
    });
    const keys = Buffer.concat(items.map(({ key }) => key));
    const tree = new StateTree(keys, Buffer.concat(items.map(({ value }) => value)), hasher);
    const version = largest('state_snapshot').params[0];
    const root = answers('state_root_proof').find(({ params }) => params[0] === version)!;
    expect(toHex(tree.root)).toBe(
      toHex(verifyStateRoot(decodeStateRootProof(root.body), BigInt(version!))),
    );
    const proofs = answers('state_range_proof').filter(({ params }) => params[0] === version);
    expect(proofs.length).toBeGreaterThan(5);
    for (const { params, body, path } of proofs) {
      const siblings = tree.rangeProof(tree.indexOf(Buffer.from(params[1]!, 'hex'))!);
      expect(toHex(encodeStateRangeProof(siblings)), path).toBe(toHex(body));
      expect(decodeStateRangeProof(body).length).toBe(siblings.length);
    }
  });
});
