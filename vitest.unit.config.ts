import { configDefaults, defineConfig } from 'vitest/config';

/**
 * `npm run test:unit`: what needs no build, no Temporal server, no whole backup and no long waits.
 * `npm test` runs everything.
 */
const FOLDERS = [
  ...['activities', 'aptos', 'config', 'contract', 'coordinator', 'devnode', 'monitor', 'node'],
  ...['page', 'repository', 'storage', 'trust'],
];
const SLOW = ['test/coordinator/watch/watch-nodes.test.ts'];
const WITH_SERVERS = [
  'test/storage/{azure,command,gcs,s3}/**',
  'test/repository/{bucket-listing,check-storage}.test.ts',
  'test/page/browser.test.ts',
];

export default defineConfig({
  test: {
    include: [
      ...FOLDERS.map((folder) => `test/${folder}/**/*.test.ts`),
      'test/docs/failure-modes.test.ts',
      'test/workflows/coordinator/{alarms,decide,stream-rules,memory/memory}.test.ts',
    ],
    exclude: [...configDefaults.exclude, ...SLOW, ...WITH_SERVERS],
    reporters: ['default', './test/closing-line.ts'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
