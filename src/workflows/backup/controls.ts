import { setHandler } from '@temporalio/workflow';
import { parseConcurrency } from '../../contract/backup-input.js';
import { turnControls } from '../lanes.js';
import { controlsSignal, pause, resume, setConcurrency } from '../message-definitions.js';
import type { RunState } from './run-state.js';

/**
 * Answers the messages that change the controls of a backup. Its own lanes read the new values; its
 * segment gets a signal.
 */
export function answerControls(state: RunState, tellSegment: () => Promise<void>): void {
  const { controls } = state;
  const turn = async (change: () => void) => {
    change();
    state.show();
    await tellSegment();
  };
  const setPaused = (paused: boolean) => turn(() => (controls.paused = paused));

  setHandler(
    setConcurrency,
    async (value) => {
      await turn(() => (controls.concurrency = value));
      return value;
    },
    {
      description: 'How many ranges may be in flight, 1 to 64.',
      validator: (value) => void parseConcurrency(value),
    },
  );
  setHandler(pause, () => setPaused(true), { description: 'Begin no new ranges.' });
  setHandler(resume, () => setPaused(false), { description: 'Go on after a pause.' });
  setHandler(controlsSignal, (latest) => turn(() => turnControls(controls, latest)), {
    description: 'Sent by a coordinator: the concurrency, and whether to pause.',
  });
}
