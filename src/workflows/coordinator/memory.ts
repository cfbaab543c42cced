import { ApplicationFailure } from '@temporalio/workflow';
import { parseCoordinatorInput } from '../../plan/coordinator-input.js';
import { isMemory } from '../../plan/memory-shape.js';
import { asInputFailure } from '../failures.js';
import { dropFuture } from './clock.js';
import type { CoordinatorMemory, StreamMemory } from '../../plan/coordinator.js';

/** What a coordinator begins with: the memory of the run before, or nothing but its input. */
export function openMemory(input: unknown, memory: unknown, now: number): CoordinatorMemory {
  if (memory !== undefined && memory !== null) {
    if (isMemory(memory)) return dropFuture(memory, now);
    throw ApplicationFailure.nonRetryable(
      'the second argument is what a run of the coordinator hands to its next; start it with one',
      'INPUT_INVALID',
    );
  }
  const settings = asInputFailure(() => parseCoordinatorInput(input));
  const stream = (): StreamMemory => ({
    paused: false,
    failed: [],
    requested: [],
    batchOpenSince: 0,
    givenUp: [],
    committed: 0,
  });
  return {
    memory: 1,
    settings,
    streams: { epoch_ending: stream(), state_snapshot: stream(), transaction: stream() },
    surveyedAt: 0,
    alarms: [],
    startedAt: now,
    runs: 1,
  };
}
