import { setHandler } from '@temporalio/workflow';
import { parseConcurrency } from '../../contract/backup-input.js';
import { InputError } from '../../contract/schema.js';
import { changeSettings, parseNow, parseStreams } from '../../contract/coordinator-input.js';
import { STREAMS } from '../../contract/coordinator-state.js';
import { type Target, describeTarget } from '../../contract/job.js';
import { rulesOf } from '../../contract/kinds/index.js';
import {
  backUpNow,
  configure,
  coordinatorStatus,
  pauseStreams,
  resumeStreams,
  retryUnits,
  setConcurrency,
} from '../message-definitions.js';
import type { CoordinatorRun } from './coordinator-run.js';
import { whenThere } from './decide.js';
import type { Known } from '../../contract/known.js';
import { holdsSomeOf } from './memory/stored.js';
import { isSamePlace, storageName } from '../../contract/storage-name.js';

/** Backups of one kind that are asked for and not begun. */
const MOST_REQUESTED = 100;

/** Answers queries and updates. The handlers only change the memory; the main loop does the work. */
export function answerMessages(run: CoordinatorRun): void {
  setHandler(coordinatorStatus, () => run.status(), {
    description: 'For each stream: lag, last commit, current work, rate, and what it waits for.',
  });
  answerPauses(run);
  answerConcurrency(run);
  answerRetry(run);
  answerBackUpNow(run);
  answerConfigure(run);
}

function answerPauses(run: CoordinatorRun): void {
  const setPaused = async (raw: unknown, paused: boolean) => {
    const streams = parseStreams(raw);
    run.memory.pauseSet(streams, paused);
    run.wake();
    await run.units.tellAll();
    return [...streams];
  };
  const validator = (raw: unknown) => void parseStreams(raw);
  setHandler(pauseStreams, (raw) => setPaused(raw, true), {
    description: `Begin nothing new: ${STREAMS.map((type) => `"${type}"`).join(', ')}, or all.`,
    validator,
  });
  setHandler(resumeStreams, (raw) => setPaused(raw, false), {
    description: 'Go on after a pause: one stream, or all.',
    validator,
  });
}

function answerConcurrency(run: CoordinatorRun): void {
  const handler = async (value: number) => {
    run.memory.concurrencySet(value);
    await run.units.tellAll();
    return value;
  };
  setHandler(setConcurrency, handler, {
    description: 'How many ranges each stream may have in flight, 1 to 64.',
    validator: (value) => void parseConcurrency(value),
  });
}

function answerRetry(run: CoordinatorRun): void {
  const handler = (unit: unknown) => {
    const asked = run.memory.retryAsked(typeof unit === 'string' ? unit : undefined);
    run.wake();
    return asked;
  };
  setHandler(retryUnits, handler, {
    description: 'Try failed units again now: one, as status names it, or all. Returns how many.',
    validator: (raw) => {
      if (raw === undefined || raw === null || typeof raw === 'string') return;
      throw new InputError(
        'name one failed unit, as status names it, or send nothing to retry all',
      );
    },
  });
}

function answerBackUpNow(run: CoordinatorRun): void {
  const handler = (raw: unknown) => {
    const { survey, node, streams } = run.memory.known;
    const { type, target } = parseNow(raw);
    const newest = target ?? (node && rulesOf(type).newest(node));
    if (!target && newest && survey && holdsSomeOf(survey, newest)) {
      return `${type}: the storage has the newest already, the ${describeTarget(newest)}`;
    }
    if (newest) run.memory.unitAsked(newest);
    else run.memory.nowAsked(type, Date.now());
    run.wake();
    const next = newest
      ? `${describeTarget(newest)} comes next`
      : `${type}: the coordinator backs up next what the node has now`;
    return streams[type].paused ? `${next}, after aptos-backup resume: the stream is paused` : next;
  };
  setHandler(backUpNow, handler, {
    description:
      'Back up now: {"type": "transaction"}, or with the fields of that workflow\'s input.',
    validator: (raw) => {
      const { type, target } = parseNow(raw);
      const { known } = run.memory;
      // Without a range, only what the node has says which snapshot is meant.
      if (target ?? rulesOf(type).givesUp) requireSeen(known);
      if (!target) return;
      requireNotStored(known, target);
      requireThere(known, target);
      requireRoom(known, target);
    },
  });
}

function answerConfigure(run: CoordinatorRun): void {
  const handler = (raw: unknown) => {
    const before = run.memory.known.settings;
    const { settings, changes } = changeSettings(before, raw);
    if (changes.length === 0) return 'unchanged';
    run.memory.configured(settings);
    if (settings.nodes.join() !== before.nodes.join()) run.lookAnew();
    run.storage.askSurvey();
    run.wake();
    return `changed: ${changes.join(', ')}; units that run already keep their old settings`;
  };
  setHandler(configure, handler, {
    description:
      'Changes settings: fields of the input of this workflow, or null for the default. Others stay. The storage must be the same.',
    validator: (raw) => {
      const before = run.memory.known.settings;
      const { storage } = changeSettings(before, raw).settings;
      const ours = before.storage;
      if (isSamePlace(ours, storage)) return;
      const [mine, theirs] = [storageName(ours), storageName(storage)];
      throw new InputError(`this coordinator works for ${mine}; start another for ${theirs}`);
    },
  });
}

/** What is asked for goes from run to run, so it is bounded. */
function requireRoom({ streams }: Known, { type }: Target): void {
  if (streams[type].requested.length < MOST_REQUESTED) return;
  throw new InputError(
    `${type}: ${MOST_REQUESTED} backups are asked for already; ask again when some of them are done`,
  );
}

/** Overlapping backups would stop the stock tool from restoring anything. */
function requireNotStored({ survey }: Known, target: Target): void {
  if (!survey || !holdsSomeOf(survey, target)) return;
  throw new InputError(
    `${describeTarget(target)}: the storage has all or some of it already, and the stock tool restores nothing from a storage with overlapping backups`,
  );
}

function requireSeen({ survey, node }: Known): void {
  if (!survey)
    throw new InputError('the coordinator has not read the storage yet; try again in a moment');
  if (!node || node.at === 0)
    throw new InputError('the coordinator has not asked the node yet; try again in a moment');
}

/** A requested unit comes before everything else, so it must not have to wait for the node. */
function requireThere({ node }: Known, target: Target): void {
  if (!node) return;
  const decision = whenThere(target, node);
  if ('start' in decision) return;
  throw new InputError(
    `${describeTarget(target)}: the node is at version ${node.version} with ${node.ended} epochs ended; the coordinator backs it up when the node has it`,
  );
}
