/** A signal that comes twice stops a command once. One that comes again later ends it where it stands. */
import { expect, it, onTestFinished } from 'vitest';
import { signalGroup } from '../../src/lib/host/signal-group.js';
import { devnode, storageFolder } from '../support/backup.js';
import { dataFolder, startCli } from '../support/cli.js';
import { until } from '../support/until.js';
import { serverPid, serverRuns } from '../temporal-server/embedded-helpers.js';

/** An `up` that follows a node, with its data folder. */
async function following() {
  const node = await devnode();
  const data = dataFolder();
  const up = startCli([
    ...['up', '--backup-service-address', node.address, '--local-fs-dir', storageFolder()],
    ...['--trust-waypoint', node.facts().genesis_waypoint, '--data-dir', data],
  ]);
  await up.says(/^following: /);
  return { up, data, server: serverPid(data) };
}

it('what npx sends after the signal of the terminal changes nothing', async () => {
  const { up, data, server } = await following();
  // At once when it has heard the first one: on a slow machine, whoever looks only now and then would come so late
  // that it is taken for impatience.
  let sent = false;
  up.child.stderr.on('data', (part: Buffer) => {
    if (part.includes('Stopping; ')) sent = up.child.kill('SIGINT');
  });
  up.child.kill('SIGINT');
  expect(await up.ended).toBe(0);
  expect(sent).toBe(true);
  expect(up.lines.at(-1)).toBe('Stopped. The next start goes on from here.');
  expect(serverRuns(data, server)).toBe(false);
});

it('who has no patience leaves no server behind', async () => {
  const { up, data, server } = await following();
  const [, worker] = /^Chunk worker is started: process (\d+)$/m.exec(up.lines.join('\n'))!;
  process.kill(Number(worker), 'SIGSTOP'); // it hands nothing back, so that the end takes long
  onTestFinished(() => void signalGroup(Number(worker), 'SIGKILL'));
  up.child.kill('SIGINT');
  await up.says(/^Stopping; /);
  const from = performance.now();
  await until('somebody loses patience', () => performance.now() - from > 1_500);
  expect(up.child.exitCode).toBeNull();
  up.child.kill('SIGINT');
  await up.ended;
  expect(up.child.signalCode).toBe('SIGINT');
  await until('its server is gone', () => !serverRuns(data, server));
});
