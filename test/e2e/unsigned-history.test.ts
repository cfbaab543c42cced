/** A coordinator that follows a chain like Movement's across its waypoint, over Temporal. */
import { expect, it, onTestFinished } from 'vitest';
import { ensureCoordinator, readCoordinator } from '../../src/client/live-status.js';
import { DEFAULT_LIMITS, healthOf } from '../../src/monitor/health.js';
import { startVerify } from '../../src/client/start-verification.js';
import { startSite } from '../support/site.js';
import { until } from '../support/until.js';
import { devnode } from '../support/backup.js';
import type { LiveStatus } from '../../src/contract/answers/shown-answers.js';

const BEGAN = Math.floor(Date.now() / 1000);
const CHAIN = {
  seed: 11,
  startTime: BEGAN,
  transactions: 120,
  stateItems: 200,
  epochs: 2,
  unsignedUntilEpoch: 3,
};
const GROWTH = { transactions: 300, epochs: 4 };

it('without the waypoint the error names the flag, and with it everything is stored and proven without an alarm', async () => {
  const twin = await devnode(CHAIN);
  const { trust_waypoint: waypoint } = twin.grow(GROWTH);
  await twin.close();
  const { node, session, folder } = await startSite(CHAIN);
  const storage = { local_fs_dir: folder };
  const follow = (trust: string[]) =>
    ensureCoordinator(session.client, {
      node: node.address,
      storage,
      transaction_batch_size: 50,
      transaction_batch_seconds: 1,
      max_chunk_size: 20_000,
      trust_waypoints: trust,
    });
  const { workflowId } = await follow([]);
  onTestFinished(
    async () => void (await session.client.workflow.getHandle(workflowId).terminate()),
  );
  const reaches = async (what: string, wanted: (status: LiveStatus) => boolean) => {
    let status: LiveStatus | undefined;
    const look = async () => {
      status = await readCoordinator(session.client, workflowId).catch(() => undefined);
      return status !== undefined && wanted(status);
    };
    await until(what, look, 180_000).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${JSON.stringify(status)}`);
    });
    return status!;
  };
  const isTold = ({ alarms }: LiveStatus) =>
    alarms.some(({ text }) => text.includes('--trust-waypoint VERSION:HASH'));
  const blind = await reaches('the flag is told', isTold);
  expect(blind.alarms.map(({ code }) => code)).not.toContain('NODE_LIED');

  await follow([waypoint!]);
  const stored = (version: number, epoch: number) =>
    reaches(`all is stored to ${version}`, ({ streams }) => {
      const { state_snapshot: snapshots, transaction } = streams;
      return transaction.newest === `${version}` && snapshots.newest === `${epoch}`;
    });
  await stored(node.facts().version, 1);
  const { version } = node.grow(GROWTH);
  await stored(version, 5);
  // The chain is judged again at the next look at its tip.
  const isConfirmed = ({ seen }: LiveStatus) => seen?.unconfirmed_genesis === undefined;
  const whole = await reaches('the waypoint confirms the genesis', isConfirmed);
  expect(whole.alarms).toEqual([]);
  const input = { storage, trust_waypoints: [waypoint!] };
  const coverage = await (await startVerify(session.client, input)).handle.result();
  expect(coverage).toMatchObject({ ok: true, complete: true, findings: [] });
  expect(JSON.stringify(coverage)).not.toContain('not yet proven');
  expect(healthOf(whole, DEFAULT_LIMITS, Date.now())).toMatchObject({ level: 'ok', reasons: [] });
}, 600_000);
