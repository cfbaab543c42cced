import type { Target } from './plan.js';

/** The processes of `aptos-backup up`, and the node. */
export const UP_TARGETS: readonly Target[] = [
  'chunk worker',
  'workflow worker',
  'apart worker',
  'up',
  'temporal server',
  'node',
];

/** The processes of a stack on PostgreSQL. */
export const POSTGRES_TARGETS: readonly Target[] = [
  'chunk worker',
  'workflow worker',
  'apart worker',
  'worker command',
  'temporal server',
  'postgres',
  'node',
];
