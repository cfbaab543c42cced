import { perKind } from '../../../contract/kinds/index.js';
import { failureOf } from '../../../contract/failure.js';
import { parseCoordinatorInput } from '../../../contract/coordinator-input.js';
import {
  isMemory,
  type CoordinatorMemory,
  type StreamMemory,
} from '../../../contract/coordinator-memory.js';
import { asInputFailure } from '../../workflow-failure.js';
import { dropFuture } from './drop-future.js';

/** Opens the memory of a new run: what the run before handed over, or the input alone. */
export function openMemory(input: unknown, memory: unknown, now: number): CoordinatorMemory {
  if (memory !== undefined && memory !== null) {
    if (isMemory(memory)) return dropFuture(memory, now);
    throw failureOf(
      'INPUT_INVALID',
      'the second argument is only for a coordinator that continues itself; start it with one argument',
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
    streams: perKind(stream),
    surveyedAt: 0,
    alarms: [],
    startedAt: now,
    runs: 1,
  };
}
