import { defineConfig } from 'vitest/config';
import SlowFirst from './test/slow-first.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup.ts'],
    reporters: ['default', './test/closing-line.ts'],
    pool: 'forks',
    // Many tests wait for timeouts and restarts: more of them than cores at once.
    maxWorkers: 4,
    sequence: { sequencer: SlowFirst },
    // They only end what hangs: no test asserts a time.
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
