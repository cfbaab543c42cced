import { whatToDoAbout } from '../errors/codes/health-codes.js';
import { type Level, LEVELS } from '../contract/answers/shown-answers.js';
import { shorten } from '../lib/shorten.js';
import type { Notice } from './alarms.js';

/** The version of the message's form. It changes when a field changes its meaning or goes away. */
const SCHEMA = 1;
/** So many alarms are named in the text; the list has more. */
const MOST_IN_TEXT = 20;
const MOST_LISTED = 200;
const MOST_CHARACTERS = 600;

/** What a message is about. */
export interface About {
  /** The path of a folder, a URL, or a command adapter and its file. A test may have no storage. */
  storage?: string;
  workflowId?: string;
  /** The host that tells. */
  host: string;
  /** URL of the page, where it is known. */
  page?: string | undefined;
}

/** One alarm of a message. */
interface ToldAlarm {
  /** The same from begin to end. */
  id: string;
  event: Notice['event'] | 'test';
  code: string;
  severity: Level;
  /** The severity that was told before, if it has changed. */
  was?: Level;
  text: string;
  since: string;
  /** When it was seen to be over. */
  until?: string;
  what_to_do?: string;
}

/** What a webhook gets as its body, and a command on its standard input. */
export interface Message {
  schema: number;
  /** For people. Slack and Mattermost show it. */
  text: string;
  at: string;
  host: string;
  storage?: string;
  workflow_id?: string;
  page?: string;
  /** The worst of what begins or lasts in this message; `ok` if all of it is over. */
  severity: Level;
  /** How many alarms last now, those of other messages included. */
  lasting: number;
  alarms: ToldAlarm[];
}

/** The message that tells these alarms. `now`: unix milliseconds. */
export function messageOf(
  notices: readonly Notice[],
  about: Required<About>,
  { now, lasting }: { now: number; lasting: number },
): Message {
  const alarms = notices.map(({ event, code, level, was, text, since }): ToldAlarm => {
    const whatToDo = event === 'resolved' ? undefined : whatToDoAbout(code);
    return {
      id: `${about.workflowId}#${code}@${iso(since)}`,
      ...{ event, code, severity: level },
      ...(was === undefined ? {} : { was }),
      ...{ text: shorten(text, MOST_CHARACTERS), since: iso(since) },
      ...(event === 'resolved' ? { until: iso(now) } : {}),
      ...(whatToDo === undefined ? {} : { what_to_do: whatToDo }),
    };
  });
  return compose(alarms.sort(byWorst), about, now, lasting);
}

/** A message that tells no trouble, to try the way. */
export function testMessage(about: About, now: number): Message {
  const text = `this is a test, asked for on ${about.host}: notifications get through`;
  const alarm: ToldAlarm = {
    id: `${about.workflowId ?? about.host}#TEST@${iso(now)}`,
    ...({ event: 'test', code: 'TEST', severity: 'ok' } as const),
    ...{ text, since: iso(now), what_to_do: 'Nothing.' },
  };
  return compose([alarm], about, now, 0);
}

function compose(alarms: ToldAlarm[], about: About, now: number, lasting: number): Message {
  const severity = alarms
    .filter(({ event }) => event !== 'resolved')
    .reduce<Level>((worst, one) => (rank(one.severity) > rank(worst) ? one.severity : worst), 'ok');
  const { storage, workflowId, host, page } = about;
  return {
    schema: SCHEMA,
    text: textOf(alarms, severity, about),
    ...{ at: iso(now), host },
    ...(storage === undefined ? {} : { storage }),
    ...(workflowId === undefined ? {} : { workflow_id: workflowId }),
    ...(page === undefined ? {} : { page }),
    ...{ severity, lasting, alarms: alarms.slice(0, MOST_LISTED) },
  };
}

function textOf(alarms: readonly ToldAlarm[], severity: Level, about: About): string {
  const [first] = alarms;
  const isOver = alarms.every(({ event }) => event === 'resolved');
  const state = first?.event === 'test' ? 'test' : isOver ? 'resolved' : severity;
  const lines = alarms.slice(0, MOST_IN_TEXT).map((alarm) => {
    const { event, code, was, text, since, what_to_do: whatToDo } = alarm;
    // The text of a coordinator's alarm begins with its code.
    const what = text.startsWith(`${code}: `) ? text : `${code}: ${text}`;
    const level = was === undefined ? alarm.severity : `${was} is now ${alarm.severity}`;
    if (event === 'resolved') return `- over, since ${since}: ${what}`;
    if (event === 'test') return `- ${text}`;
    const again = event === 'reminder' ? `still ${level}` : level;
    return `- ${again}, since ${since}: ${what}${whatToDo === undefined ? '' : ` (${whatToDo})`}`;
  });
  const more = alarms.length - lines.length;
  const all = [
    `aptos-backup ${state.toUpperCase()}: ${about.storage === undefined ? '' : `${about.storage} on `}${about.host}`,
    ...lines,
    ...(more > 0 ? [`- and ${more} more`] : []),
    ...(about.page === undefined ? [] : [about.page]),
  ];
  return harmless(all.join('\n'));
}

/** A node may have had a say in the text. Slack takes `<!channel>` and links for commands. */
function harmless(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function rank(level: Level): number {
  return LEVELS.indexOf(level);
}

/** What is over comes last. */
function byWorst(a: ToldAlarm, b: ToldAlarm): number {
  const over = Number(a.event === 'resolved') - Number(b.event === 'resolved');
  return over === 0 ? rank(b.severity) - rank(a.severity) : over;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
