import {
  AptosDataError,
  decodeEpochEndingManifest,
  decodeLedgerInfoWithSignatures,
  encodeEpochEndingManifest,
  EPOCH_ENDING_MANIFEST,
  epochEndingFolderBase,
  epochEndingMetadataName,
  type EpochEndingManifest,
  formatWaypoint,
  naming,
  parseWaypoint,
  waypointOf,
} from '../../aptos/index.js';
import { type TargetOf, spanOfTarget } from '../../contract/job.js';
import type { Proven, UnitOf } from '../../contract/unit.js';
import type { NodeClient, StreamForm } from '../../node/client.js';
import type { OpenChunk } from '../../repository/chunk-file.js';
import type { EpochEndingReceipt } from '../../repository/receipt.js';
import type { Site } from '../../site/site.js';
import { leastProven } from '../../trust/proven.js';
import { chunkExtra, spanOfReceipts } from '../../repository/manifest-parts.js';
import { requireEnded } from '../plan/node-has.js';
import type {
  Content,
  Draft,
  Kind,
  NewManifest,
  PlanTools,
  RecordStream,
  RecordTools,
} from './kind.js';

/** Ledger infos that end epochs: each is proven by itself, so there is no proof file. */
export const epochEndingKind: Kind<'epoch_ending'> = {
  metadataOf(_site, target) {
    const { first, last } = spanOfTarget(target);
    return Promise.resolve(`metadata/${epochEndingMetadataName(first, last)}`);
  },
  plan,
  samples: 4n,
  records: (_unit, tools) => ({
    stream: streamOf(tools.node, { givesWay: true }),
    lackOf: () => Promise.resolve(undefined),
    startChunk: (first, _before, signal) => Promise.resolve(startChunk(first, tools, signal)),
  }),
  misfits: () => new Set(),
  manifest: (unit, receipts) => Promise.resolve(manifest(unit, receipts)),
  read: (bytes) => contentOf(decodeEpochEndingManifest(bytes)),
};

/** Also verifies the chain of epoch endings up to the last one. */
async function plan(
  site: Site,
  target: TargetOf<'epoch_ending'>,
  { signal }: PlanTools,
): Promise<Draft<'epoch_ending'>> {
  const { first, last } = spanOfTarget(target);
  await requireEnded(site, last, signal);
  await site.history.ending(last, signal);
  return {
    base: epochEndingFolderBase(first),
    first: `${first}`,
    records: last - first + 1n,
    facts: {},
    stream: streamOf(site.node),
  };
}

function streamOf(node: NodeClient, form?: StreamForm): RecordStream {
  return (first, count, signal) => node.epochEndings(first, first + count, signal, form);
}

function startChunk(first: bigint, { ledgerInfos }: RecordTools, signal: AbortSignal): OpenChunk {
  const waypoints: string[] = [];
  const proven: Proven[] = [];
  return {
    async add(block, from, to) {
      for (let i = from; i < to; i += 1) {
        const record = block.bytes.slice(block.start(i) + 4, block.end(i));
        const epoch = first + BigInt(waypoints.length);
        const signed = naming(`the ledger info that ends epoch ${epoch}`, () =>
          decodeLedgerInfoWithSignatures(record),
        );
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
    prove: () => Promise.resolve({ kind: 'epoch_ending', proven: leastProven(proven), waypoints }),
  };
}

function manifest(
  { folder }: UnitOf<'epoch_ending'>,
  receipts: readonly EpochEndingReceipt[],
): NewManifest<'epoch_ending'> {
  const [firstEpoch, lastEpoch] = spanOfReceipts(receipts);
  const waypoints = receipts.flatMap((receipt) => receipt.waypoints);
  const made: EpochEndingManifest = {
    firstEpoch,
    lastEpoch,
    waypoints,
    chunks: receipts.map((receipt) => ({
      firstEpoch: BigInt(receipt.first),
      lastEpoch: BigInt(receipt.last),
      ledgerInfos: `${folder}/${receipt.chunk.name}`,
      extra: chunkExtra(receipt, receipt.proven),
    })),
    extra: { proven: leastProven(receipts.map((receipt) => receipt.proven)) },
  };
  const name = EPOCH_ENDING_MANIFEST;
  return {
    name,
    bytes: encodeEpochEndingManifest(made),
    content: contentOf(made),
    line: {
      type: 'EpochEndingBackup',
      firstEpoch,
      lastEpoch,
      firstVersion: parseWaypoint(waypoints[0]!).version,
      lastVersion: parseWaypoint(waypoints.at(-1)!).version,
      manifest: `${folder}/${name}`,
    },
  };
}

function contentOf(manifest: EpochEndingManifest): Content<'epoch_ending'> {
  const { firstEpoch: first, lastEpoch: last, waypoints, chunks } = manifest;
  const { version: endsAt } = parseWaypoint(waypoints.at(-1)!);
  return {
    range: { first: `${first}`, last: `${last}`, ends_at_version: `${endsAt}` },
    records: last - first + 1n,
    chunks: chunks.map(({ ledgerInfos: file, extra }) => ({ file, extra })),
    extra: manifest.extra,
  };
}
