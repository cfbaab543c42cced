/**
 * Records histories of the current workflows for test/replay: `npm run record-histories`. Each release
 * adds a folder. Those of earlier releases stay, because their workflows may still run.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { findTemporal } from '../../src/temporal-server/binary/find-temporal.js';
import { run } from '../../src/lib/host/run.js';
import { startTemporal } from '../support/temporal.js';
import { recordBackups } from './scenarios/backups.js';
import { recordCopies } from './scenarios/copy.js';
import { recordCompactions } from './scenarios/compaction.js';
import { recordConsolidations } from './scenarios/consolidate.js';
import { recordCoordinators } from './scenarios/coordinator.js';
import { recordKeptCopy } from './scenarios/kept-copy.js';
import { recordDrills } from './scenarios/drill.js';
import { recordRetention } from './scenarios/retention.js';
import { recordVerifications } from './scenarios/verify.js';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const folder = new URL(`histories/${version}/`, import.meta.url);
mkdirSync(folder, { recursive: true });

const session = await startTemporal();
const temporal = await findTemporal();

/** Saves what `temporal workflow show` prints of a workflow, or of one of its runs. */
async function save(name: string, workflowId: string, runId?: string): Promise<void> {
  const show = ['workflow', 'show', '--output', 'json', '--workflow-id', workflowId];
  if (runId !== undefined) show.push('--run-id', runId);
  const { stdout } = await run(temporal, [...show, '--address', session.address], {
    timeoutMs: 60_000,
  });
  // Stack traces and identities tell about this machine, not about the workflow.
  const history: unknown = JSON.parse(stdout.replaceAll(process.cwd(), '/app'), (key, value) =>
    key === 'identity' ? 'recorder' : (value as unknown),
  );
  const file = new URL(`${name}.json.gz`, folder);
  writeFileSync(file, gzipSync(JSON.stringify({ workflowId, history }), { level: 9 }));
  console.log(`${name}: ${stdout.length} bytes`);
}
export type Save = typeof save;

try {
  await recordBackups(session, save);
  await recordCoordinators(session, save);
  await recordVerifications(session, save);
  await recordCopies(session, save);
  await recordKeptCopy(session, save);
  await recordDrills(session, save);
  await recordCompactions(session, save);
  await recordConsolidations(session, save);
  await recordRetention(session, save);
} finally {
  await session.close();
}
