/** `list` shows what is followed here, and `stop` ends it. No `up` leaves a coordinator running without a word. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { devnode, storageFolder } from '../support/backup.js';
import { dataFolder, runCli, startCli } from '../support/cli.js';
import { until } from '../support/until.js';
import { stateFile, withClient } from '../temporal-server/embedded-helpers.js';
import type { Followed, Stopped } from '../../src/client/followed.js';

it('list names what is followed, up says what goes on without it, and stop ends it', async () => {
  const node = await devnode({ startTime: 'now' });
  const [first, second] = [storageFolder(), storageFolder()];
  const data = ['--data-dir', dataFolder()];
  const told = (...args: string[]) => runCli([...args, ...data]);
  const listed = async () => JSON.parse((await told('list', '--json')).out) as Followed[];
  const stateOf = async (storage: string) =>
    (await listed()).find((one) => one.storage === storage)?.state;

  const nothing = await told('list');
  expect(nothing).toMatchObject({ code: 0, err: '' });
  expect(nothing.out).toMatch(
    /^Nothing is followed here\. Start with: aptos-backup up --backup-service-address URL --local-fs-dir DIR --data-dir /,
  );
  expect(await told('stop')).toMatchObject({ code: 0, out: 'Nothing is followed here.\n' });

  const follow = (storage: string) =>
    startCli([
      ...['up', '--backup-service-address', node.address, '--local-fs-dir', storage],
      ...['--trust-waypoint', node.facts().genesis_waypoint, ...data],
    ]);
  const ups = { first: follow(first), second: follow(second) };
  await until('both are followed', async () => {
    const states = [await stateOf(first), await stateOf(second)];
    return states.every((state) => state === 'following');
  });
  const both = await told('list');
  expect(both.out.split('\n')).toHaveLength(4);
  expect(both.out).toContain(`${first}  ${node.address}  following`);

  // The workers of the second one go on with the coordinator of the first.
  expect(await ups.first.stop()).toBe(0);
  expect(ups.first.lines.at(-1)).toContain(
    `the coordinator of ${first} goes on: another aptos-backup`,
  );
  expect(ups.first.lines.at(-1)).toContain(
    `To end it: aptos-backup stop --local-fs-dir ${first} ${data.join(' ')}`,
  );
  // Of two coordinators, a hint names the one that was meant, and its stream.
  const paused = await told('pause', 'transaction', '--local-fs-dir', first);
  const [, hint = ''] = /Go on with: aptos-backup (.*)\n$/.exec(paused.out) ?? [];
  expect(hint.split(' ')).toEqual(['resume', 'transaction', '--local-fs-dir', first, ...data]);
  expect(await runCli(hint.split(' '))).toMatchObject({ code: 0, out: 'Goes on: transactions.\n' });
  const which = await told('stop');
  expect(which).toMatchObject({ code: 2, out: '' });
  expect(which.err).toMatch(/2 storages are followed here: .* or --all\n$/);
  for (const command of [['status'], ['pause'], ['resume', 'transaction'], ['concurrency', '3']]) {
    const { code, out, err } = await told(...command);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/2 storages are followed here: .*, .*; say which with --storage/);
    for (const storage of [first, second]) expect(err).toContain(storage);
  }
  // A check is of all of them, and names the one that is not well.
  expect(await told('status', '--check')).toMatchObject({ code: 0, out: 'OK\n' });
  expect((await told('pause', 'transaction', '--local-fs-dir', second)).code).toBe(0);
  const why = `${second}: transactions are paused (to go on: aptos-backup resume transaction)`;
  expect(await told('status', '--check')).toMatchObject({
    code: 1,
    out: `WARNING: ${why}\n`,
  });

  const stopped = await told('stop', '--local-fs-dir', first);
  expect(stopped).toMatchObject({ code: 0, err: '' });
  expect(stopped.out).toContain(
    `Stopped the coordinator of ${first}, which followed ${node.address}`,
  );
  expect(stopped.out).toContain('stop the service first: it begins anew what ends here');
  const again = await told('stop', '--local-fs-dir', first);
  expect(again.code).toBe(1);
  expect(again.err).toContain(`nothing follows a node into ${first} here; followed: ${second}`);
  const gone = await told('status', '--local-fs-dir', first);
  expect(gone).toMatchObject({ code: 1, out: '' });
  expect(gone.err).toMatch(
    /no coordinator runs for .*; start one with: aptos-backup up --backup-service-address URL --local-fs-dir /,
  );

  // One that was started with the temporal CLI is found by its storage as well.
  const { port } = JSON.parse(readFileSync(stateFile(data[1]!), 'utf8')) as { port: number };
  const input = {
    ...{ node: node.address, storage: { local_fs_dir: first } },
    trust_waypoints: [node.facts().genesis_waypoint],
  };
  await withClient(`127.0.0.1:${port}`, (client) =>
    client.workflow.start('backupCoordinator', {
      ...{ taskQueue: 'aptos-backup', workflowId: 'by-hand', args: [input] },
    }),
  );
  await until('it is followed by hand', async () => (await stateOf(first)) === 'following');
  const byHand = await told('status', '--local-fs-dir', first, '--json');
  expect(byHand).toMatchObject({ code: 0, err: '' });
  expect(await told('stop', '--local-fs-dir', first)).toMatchObject({
    code: 0,
    out: expect.stringContaining(`Stopped the coordinator of ${first}, `) as string,
  });

  // One that runs sees that somebody ended its coordinator.
  expect((await told('stop', '--all')).code).toBe(0);
  expect(await ups.second.ended).toBe(0);
  expect(ups.second.lines.at(-1)).toContain(`The coordinator of ${second} was stopped.`);
  expect(await listed()).toEqual([]);

  // Without a worker, stop brings its own.
  const third = follow(first);
  await until('it is followed again', async () => (await stateOf(first)) === 'following');
  expect(await third.stop()).toBe(0);
  expect(third.lines.at(-1)).toBe('Stopped. The next start goes on from here.');
  expect(await stateOf(first)).toBe('rests');
  const rests = await told('list');
  expect(rests.out).toContain(
    `no worker runs; start one with: aptos-backup up --local-fs-dir ${first} --data-dir `,
  );

  // Another one goes on with what was left, and says so.
  const other = follow(second);
  await other.says(/^Workflow .*, begun$/);
  await other.says(/^also goes on with: /);
  expect(other.lines.filter((line) => line.startsWith('also '))).toEqual([
    `also goes on with: ${first}; to end one: aptos-backup stop --local-fs-dir ${first} ${data.join(' ')}`,
  ]);
  expect((await told('stop', '--local-fs-dir', second)).code).toBe(0);
  expect(await other.ended).toBe(0);
  const ended = JSON.parse((await told('stop', '--json')).out) as Stopped[];
  expect(ended).toMatchObject([{ storage: first, nodes: [node.address], outcome: 'stopped' }]);
  expect(await listed()).toEqual([]);

  // An `up` that works for two takes its workers away when its own one has ended. The other one ends all the same.
  const [own = '', left = ''] = [first, second].sort();
  const leaves = follow(left);
  await until('it is followed', async () => (await stateOf(left)) === 'following');
  expect(await leaves.stop()).toBe(0);
  const forBoth = follow(own);
  await forBoth.says(/^also goes on with: /);
  await until('both are followed by one', async () => {
    const states = (await listed()).map(({ state }) => state);
    return states.join() === 'following,following';
  });
  const all = JSON.parse((await told('stop', '--all', '--json')).out) as Stopped[];
  expect(all.map(({ storage }) => storage)).toEqual([own, left]);
  for (const one of all) expect(one).toMatchObject({ outcome: 'stopped', asked: [], left: [] });
  expect(await forBoth.ended).toBe(0);
  expect(await listed()).toEqual([]);
}, 600_000);
