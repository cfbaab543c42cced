import { configDefaults, defineConfig } from 'vitest/config';
import RunOrder from './test/run-order.js';

/** They replace modules of Node.js, so each needs a process of its own. */
const WITH_MOCKS = ['test/storage/local/{full-folder,store-clock,unfit,without-links}.test.ts'];

/** `npm run test:unit`, with those above: what needs no build, no server, no whole backup and no long waits. */
const UNIT = [
  'test/{activities,aptos,config,contract,devnode,monitor,node,notify,trust}/**/*.test.ts',
  'test/coordinator/watch/!(watch-nodes).test.ts',
  'test/docs/failure-modes.test.ts',
  'test/page/!(browser*).test.ts',
  'test/repository/!(bucket-listing|check-storage).test.ts',
  'test/storage/*.test.ts',
  'test/storage/local/!(full-folder|store-clock|unfit|without-links).test.ts',
  'test/workflows/coordinator/{alarms,decide,stream-rules,memory/memory}.test.ts',
];

/** Whole backups, without Temporal and without a server of a bucket. */
const BACKUPS = [
  'test/{archive,restore,site}/**/*.test.ts',
  'test/backup/**/!(lying-bucket|stock-bucket).test.ts',
  'test/upkeep/**/!(compact-s3|consolidate-bucket|index).test.ts',
  'test/verify/!(damages-in-bucket).test.ts',
];

/** Operators replay their own histories before an upgrade (docs/upgrading.md). For that no server is fetched. */
const REPLAY = ['test/replay/**/*.test.ts'];

const COMMON = {
  pool: 'forks',
  // They only end what hangs: no test asserts a time.
  testTimeout: 400_000,
  hookTimeout: 400_000,
  expect: { poll: { timeout: 60_000 } },
} as const;
/** One process runs many files: to load the modules takes longer than most of their tests. */
const SHARED = { ...COMMON, isolate: false };

export default defineConfig({
  test: {
    reporters: ['default', './test/closing-line.ts'],
    // Many tests wait for timeouts and restarts: more of them than cores at once.
    maxWorkers: 4,
    sequence: { sequencer: RunOrder },
    projects: [
      {
        test: {
          ...COMMON,
          name: 'whole',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...WITH_MOCKS, ...REPLAY, ...UNIT, ...BACKUPS],
          globalSetup: ['test/setup.ts'],
        },
      },
      { test: { ...COMMON, name: 'replay', include: REPLAY } },
      { test: { ...COMMON, name: 'unit-with-mocks', include: WITH_MOCKS } },
      { test: { ...SHARED, name: 'backups', include: BACKUPS } },
      { test: { ...SHARED, name: 'unit', include: UNIT } },
    ],
  },
});
