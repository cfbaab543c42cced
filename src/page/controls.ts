import type { Client } from '@temporalio/client';
import * as v from 'valibot';
import { nowInWords } from '../client/now-in-words.js';
import { tellWorkflow } from '../client/tell-workflow.js';
import { parseConcurrency } from '../contract/backup-input.js';
import { STREAMS } from '../contract/coordinator-state.js';
import { rulesOf } from '../contract/kinds/index.js';
import {
  UPDATE_BACK_UP_NOW,
  UPDATE_PAUSE,
  UPDATE_RESUME,
  UPDATE_RETRY,
  UPDATE_SET_CONCURRENCY,
} from '../contract/messages.js';
import { InputError, object, parse } from '../contract/schema.js';

/** Longest wait for the answer of the coordinator. */
const ANSWER_MS = 30_000;

const stream = v.picklist(STREAMS, `must be one of ${STREAMS.join(', ')}`);
const CONTROLS = {
  pause: object({ action: v.literal('pause'), stream: v.optional(stream) }),
  resume: object({ action: v.literal('resume'), stream: v.optional(stream) }),
  retry: object({ action: v.literal('retry'), unit: v.optional(v.string('must be a text')) }),
  now: object({ action: v.literal('now'), stream }),
  concurrency: object({ action: v.literal('concurrency'), ranges: v.number('must be a number') }),
};
const ACTIONS = Object.keys(CONTROLS) as (keyof typeof CONTROLS)[];
const named = v.looseObject(
  { action: v.picklist(ACTIONS, `must be one of ${ACTIONS.join(', ')}`) },
  'must be a JSON object with an "action"',
);
type Control = v.InferOutput<(typeof CONTROLS)[keyof typeof CONTROLS]>;

/** Reads what the page asks for. @throws InputError */
export function parseControl(text: string): Control {
  const raw = jsonOf(text);
  const { action } = parse(named, raw, 'a control');
  const asked: Control = parse(CONTROLS[action], raw, 'a control');
  if (asked.action === 'concurrency') parseConcurrency(asked.ranges);
  return asked;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InputError('a control must be JSON, like {"action": "pause"}');
  }
}

/** Sends a control to a coordinator. Returns in words what it did. @throws what tellWorkflow throws */
export async function runControl(
  client: Client,
  workflowId: string,
  asked: Control,
): Promise<string> {
  const { update, argument } = updateOf(asked);
  const tell = () => tellWorkflow(client, workflowId, update, argument);
  return told(asked, await client.withDeadline(Date.now() + ANSWER_MS, tell));
}

function updateOf(asked: Control): { update: string; argument?: unknown } {
  switch (asked.action) {
    case 'pause':
      return { update: UPDATE_PAUSE, argument: asked.stream };
    case 'resume':
      return { update: UPDATE_RESUME, argument: asked.stream };
    case 'retry':
      return { update: UPDATE_RETRY, argument: asked.unit };
    case 'now':
      return { update: UPDATE_BACK_UP_NOW, argument: { type: asked.stream } };
    case 'concurrency':
      return { update: UPDATE_SET_CONCURRENCY, argument: asked.ranges };
  }
}

function told(asked: Control, answer: unknown): string {
  const what = 'stream' in asked && asked.stream ? rulesOf(asked.stream).words.many : 'all streams';
  switch (asked.action) {
    case 'pause':
      return `Paused: ${what}. Ranges in flight are finished, nothing new is begun.`;
    case 'resume':
      return `Resumed: ${what}.`;
    case 'retry':
      return answer === 0 ? 'Nothing had failed.' : `Tried again now: ${String(answer)} unit(s).`;
    case 'now': // the storage may have it already, or the stream be paused
      return `${nowInWords(asked.stream, String(answer))}.`;
    case 'concurrency':
      return `Each stream has up to ${String(answer)} range(s) in flight now.`;
  }
}
