import { decodeLedgerInfoWithSignatures } from '../../aptos/chain/ledger-info.js';
import { formatWaypoint, waypointOf } from '../../aptos/chain/waypoint.js';
import { AptosDataError } from '../../aptos/errors.js';
import type { NodeClient } from '../../node/client.js';
import type { Proven } from '../../plan/unit.js';
import type { LedgerInfoProver } from '../trust/ledger-info-proof.js';
import { leastProven } from '../trust/proven.js';
import type { RecordKind } from './kind.js';

/** Ledger infos that end epochs: each is proven by itself, there is no proof file. */
export function epochEndingKind(node: NodeClient, ledgerInfos: LedgerInfoProver): RecordKind {
  return {
    stream: (first, count, signal) => node.epochEndings(first, first + count, signal),
    startChunk(first, _before, signal) {
      const waypoints: string[] = [];
      const proven: Proven[] = [];
      return Promise.resolve({
        async add(block, from, to) {
          for (let i = from; i < to; i += 1) {
            const record = block.bytes.slice(block.start(i) + 4, block.end(i));
            const signed = decodeLedgerInfoWithSignatures(record);
            const epoch = first + BigInt(waypoints.length);
            const { ledgerInfo } = signed;
            if (ledgerInfo.epoch !== epoch || ledgerInfo.nextEpochState?.epoch !== epoch + 1n) {
              throw new AptosDataError(
                'EPOCH_MISMATCH',
                `expected the ledger info that ends epoch ${epoch}, got one of epoch ${ledgerInfo.epoch}` +
                  (ledgerInfo.nextEpochState ? '' : ' that ends no epoch'),
              );
            }
            proven.push(await ledgerInfos.proveEnding(signed, signal));
            waypoints.push(formatWaypoint(waypointOf(ledgerInfo)));
          }
        },
        proofName: () => undefined,
        fetchProof: () => Promise.reject(new Error('epoch endings have no proof file')),
        prove: () => Promise.resolve({ proven: leastProven(proven), waypoints }),
      });
    },
  };
}
