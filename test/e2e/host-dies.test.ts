/** Two hosts work for one Temporal server. One of them dies with everything that could report it. */
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { expect, it, onTestFinished } from 'vitest';
import { builtProgram } from '../../src/lib/host/built.js';
import { readCatalog } from '../../src/repository/catalog.js';
import { ensureCoordinator, readCoordinator } from '../../src/client/live-status.js';
import { openStorage } from '../../src/storage/open.js';
import { runsCommandWith } from '../../src/lib/host/process-info.js';
import { parseIdentity } from '../../src/supervisor/worker-identity.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import { contentOf, devnode, fetchBytes, storageFolder } from '../support/backup.js';
import { dataFolder, startCli } from '../support/cli.js';
import { type Pending, pendingActivities } from '../support/pending.js';
import { isOfOne, rangeRequests } from '../support/site.js';
import { startTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';

const WORKER = fileURLToPath(builtProgram('worker.js'));
const TRANSACTIONS = 2_000;
const LANES = 4;
const FINISHED = 10;
/** In the numbering of the Temporal API. */
const HEARTBEAT = 4;

type Host = Awaited<ReturnType<typeof startHost>>;

/** A supervisor and its workers, for a server of the operator's own. */
async function startHost(address: string) {
  const command = startCli(['worker', '--data-dir', dataFolder()], { TEMPORAL_ADDRESS: address });
  const workers = () =>
    command.lines
      .flatMap((line) => / is started: process (\d+)$/.exec(line)?.[1] ?? [])
      .map(Number);
  const all = (signal: NodeJS.Signals) => {
    command.child.kill(signal);
    // Dead processes may have left their ids to others.
    const living = workers().filter((pid) => runsCommandWith(pid, WORKER));
    for (const pid of living) process.kill(pid, signal);
  };
  onTestFinished(() => all('SIGKILL'));
  await command.says(/^Chunk worker is started/);
  return {
    has: ({ worker }: Pending) => workers().includes(parseIdentity(worker)?.pid ?? 0),
    runs: (identity: string) => workers().includes(parseIdentity(identity)?.pid ?? 0),
    /** Nobody sees the others die, and nobody hands anything back. */
    freeze: () => all('SIGSTOP'),
    die: () => all('SIGKILL'),
  };
}

it('when a whole host dies, another one goes on after the heartbeat timeout and fetches no finished chunk again', async () => {
  const node = await devnode({ transactions: TRANSACTIONS, stateItems: 100, epochs: 3 });
  const session = await startTemporal();
  onTestFinished(() => session.close());
  const { client } = session;
  const hosts = [await startHost(session.address), await startHost(session.address)];
  const folder = storageFolder();
  const storage = { local_fs_dir: folder };
  const slow = (bytes_per_second: number) => {
    node.clearFaults();
    node.fault({ kind: 'slow', endpoint: 'transactions', bytes_per_second });
  };
  slow(60_000);
  const { workflowId } = await ensureCoordinator(client, {
    ...{ node: node.address, storage, trust_waypoints: [node.facts().genesis_waypoint] },
    ...{ transaction_batch_size: 10_000, transaction_batch_seconds: 1, max_chunk_size: 20_000 },
  });
  // A watch asks for the proof of the newest version, to know its age.
  const askedFor = () =>
    rangeRequests(node.requests(), 'transaction_range_proof').filter((path) => !isOfOne(path));
  await until('chunks are finished', () => askedFor().length >= FINISHED);
  const begun = () => rangeRequests(node.requests(), 'transactions').length;
  const before = begun();
  slow(1_000);
  const { streams } = await readCoordinator(client, workflowId);
  const backup = streams.transaction.current!.workflow_id;
  let ranges: Pending[] = [];
  await until('all lanes are in hand for long', async () => {
    if (begun() < before + LANES) return false; // some still run at the old speed
    ranges = await pendingActivities(client, backup);
    return ranges.length === LANES && ranges.every(({ started, beating }) => started && beating);
  });
  const inHandOf = ({ has }: Host) => ranges.filter(has).length;
  const [other, victim] = hosts.sort((a, b) => inHandOf(a) - inHandOf(b)) as [Host, Host];
  victim.freeze();
  ranges = await pendingActivities(client, backup);
  const lost = inHandOf(victim);
  expect(lost).toBeGreaterThan(0);
  victim.die();
  node.clearFaults();

  await until('the other host has stored everything', async () => {
    const status = await readCoordinator(client, workflowId).catch(() => undefined);
    return status?.streams.transaction.newest === `${node.facts().version}`;
  });
  const again = (await startedAgain(client, backup)).map(({ identity, lastFailure }) => ({
    elsewhere: other.runs(identity ?? ''),
    timeout: lastFailure?.timeoutFailureInfo?.timeoutType,
  }));
  expect(again).toEqual(
    Array.from({ length: lost }, () => ({ elsewhere: true, timeout: HEARTBEAT })),
  );

  const { transactions } = await readCatalog(openStorage(storage));
  const contents = transactions.map((entry) => contentOf(folder, entry));
  const files = contents.flatMap((content) => content.files);
  expect(Buffer.concat(files)).toEqual(
    await fetchBytes(`${node.address}/transactions/0/${node.facts().version + 1}`),
  );
  // Each chunk is fetched once, and those in the hands of the dead host at most twice. A watch also asks
  // for proofs of one version, so chunks of one version are not counted.
  const proofs = contents.flatMap(({ manifest }) => manifest.chunks.map(proofRequest));
  const requests = node.requests();
  expect(proofs.filter((path) => requests[path] === undefined)).toEqual([]);
  const ofMany = proofs.filter((path) => !isOfOne(path));
  expect(askedFor().length).toBeGreaterThanOrEqual(ofMany.length);
  expect(askedFor().length).toBeLessThanOrEqual(ofMany.length + lost);
  const settings = { storage, trustWaypoints: [node.facts().genesis_waypoint] };
  const coverage = await verifyStorage(openStorage(storage), settings, WHOLE_STORAGE);
  expect(coverage).toMatchObject({ ok: true, findings: [], orphans: [] });
}, 600_000);

function proofRequest(chunk: Record<string, string | number>): string {
  return `/transaction_range_proof/${chunk['first_version']}/${chunk['last_version']}`;
}

/** Starts of attempts after the first, with the failure of the one before. */
async function startedAgain(client: Client, workflowId: string) {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? [])
    .flatMap((event) => event.activityTaskStartedEventAttributes ?? [])
    .filter(({ attempt }) => (attempt ?? 0) > 1);
}
