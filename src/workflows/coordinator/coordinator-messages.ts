import { setHandler } from '@temporalio/workflow';
import { parseCoordinatorInput, parseNow, parseStreams } from '../../plan/coordinator-input.js';
import { InputError, parseConcurrency } from '../../plan/input.js';
import { STREAMS } from '../../plan/coordinator.js';
import { whenThere } from '../../plan/decide.js';
import { type Target, describeTarget, targetKey } from '../../plan/job.js';
import {
  backUpNow,
  configure,
  coordinatorStatus,
  pauseStreams,
  resumeStreams,
  retryUnits,
  setConcurrency,
} from '../messages.js';
import { holdsSomeOf } from './bookkeeping.js';
import type { CoordinatorRun } from './coordinator-run.js';

/** Handlers only change what the coordinator knows; its loop does the rest. */
export function answerMessages(run: CoordinatorRun): void {
  const { memory } = run;

  setHandler(coordinatorStatus, () => run.status(), {
    description: 'Lag, last commit, current work, rate and what it waits for, of each stream.',
  });

  const setPaused = async (raw: unknown, paused: boolean) => {
    const streams = parseStreams(raw);
    for (const stream of streams) memory.streams[stream].paused = paused;
    run.wake();
    await run.tellUnits();
    return [...streams];
  };
  const validator = (raw: unknown) => void parseStreams(raw);
  setHandler(pauseStreams, (raw) => setPaused(raw, true), {
    description: 'Begin nothing new: "epoch_ending", "state_snapshot", "transaction", or all.',
    validator,
  });
  setHandler(resumeStreams, (raw) => setPaused(raw, false), {
    description: 'Go on after a pause: one stream, or all.',
    validator,
  });

  setHandler(
    setConcurrency,
    async (value) => {
      memory.settings.concurrency = value;
      await run.tellUnits();
      return value;
    },
    {
      description: 'How many ranges each stream may have in flight, 1 to 64.',
      validator: (value) => void parseConcurrency(value),
    },
  );

  setHandler(
    retryUnits,
    (raw) => {
      let asked = 0;
      if (raw === undefined || raw === null) delete memory.lies;
      for (const stream of STREAMS) {
        const { failed, givenUp } = memory.streams[stream];
        for (const unit of failed) {
          if (raw !== undefined && raw !== null && raw !== targetKey(unit.target)) continue;
          unit.retryAt = 0;
          asked += 1;
        }
        const again = givenUp.filter((epoch) => raw === `state_snapshot/${epoch}`);
        memory.streams[stream].givenUp = givenUp.filter((epoch) => !again.includes(epoch));
        asked += again.length;
      }
      run.wake();
      return asked;
    },
    {
      description:
        'Try what failed again now: one unit as status names it, or all; answers how many.',
      validator: (raw) => {
        if (raw === undefined || raw === null || typeof raw === 'string') return;
        throw new InputError('say which unit, as status names it, or nothing for all');
      },
    },
  );

  setHandler(
    backUpNow,
    (raw) => {
      const { type, target } = parseNow(raw);
      if (target) {
        memory.streams[type].requested.push(target);
      } else {
        // Closes the batch that is open, also when one that was begun before ends only now.
        memory.streams[type].batchOpenSince = 0;
        memory.streams[type].askedAt = Date.now();
      }
      run.wake();
      return target
        ? `${describeTarget(target)} comes next`
        : `${type}: whatever there is comes next`;
    },
    {
      description:
        'Back up out of turn: {"type": "transaction"}, or with the fields of that workflow\'s input.',
      validator: (raw) => {
        const { target } = parseNow(raw);
        if (!target) return;
        requireNotStored(run, target);
        requireThere(run, target);
      },
    },
  );

  setHandler(
    configure,
    (raw) => {
      const settings = parseCoordinatorInput(raw);
      if (JSON.stringify(settings) === JSON.stringify(memory.settings)) return 'as it was';
      const sameNodes = settings.nodes.join() === memory.settings.nodes.join();
      memory.settings = settings;
      if (!sameNodes) run.lookAnew();
      run.wake({ survey: true });
      return 'changed; what runs already ends as it was begun';
    },
    {
      description:
        'Replaces the settings: the input of this workflow. The storage must be the same.',
      validator: (raw) => {
        const { storage } = parseCoordinatorInput(raw);
        if (storage.local_fs_dir === memory.settings.storage.local_fs_dir) return;
        throw new InputError(
          `this coordinator works for ${memory.settings.storage.local_fs_dir}; start another for ${storage.local_fs_dir}`,
        );
      },
    },
  );
}

/** Overlapping backups would stop the stock tool from restoring anything. */
function requireNotStored({ memory }: CoordinatorRun, target: Target): void {
  const { survey } = memory;
  if (!survey) throw new InputError('the storage was not looked at yet; try again in a moment');
  if (!holdsSomeOf(survey, target)) return;
  throw new InputError(
    `${describeTarget(target)}: the storage has all or some of it already, and the stock tool restores nothing from a storage with overlapping backups`,
  );
}

/** What goes before everything else must not have to wait. */
function requireThere({ memory }: CoordinatorRun, target: Target): void {
  const { node } = memory;
  if (!node || node.at === 0) {
    throw new InputError('the node was not looked at yet; try again in a moment');
  }
  const decision = whenThere(target, node);
  if ('start' in decision) return;
  throw new InputError(
    `${describeTarget(target)}: the node is at version ${node.version} with ${node.ended} epochs ended; it is backed up by itself when it is there`,
  );
}
