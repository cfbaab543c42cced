import type { Client } from '@temporalio/client';
import { askSegment, pendingActivities } from '../client/progress.js';
import type { PageRange, UnitInWork } from '../contract/answers/page-answers.js';
import { backupStatus } from '../contract/answers/backup-answers.js';
import { readAnswer } from '../contract/answers/read-answer.js';
import type { LiveStatus } from '../contract/answers/shown-answers.js';
import { STREAMS } from '../contract/coordinator-state.js';
import { QUERY_STATUS } from '../contract/messages.js';
import type { RangeProgress } from '../contract/unit.js';

const MOST = 20;

/** The units that a coordinator has in work, each with its ranges. One that ends meanwhile is left out. */
export async function unitsInWork(client: Client, status: LiveStatus): Promise<UnitInWork[]> {
  const ids = STREAMS.flatMap((type) => status.streams[type].current?.workflow_id ?? []);
  const units = await Promise.all(ids.map((id) => readUnit(client, id).catch(() => undefined)));
  return units.flatMap((unit) => unit ?? []);
}

async function readUnit(client: Client, id: string): Promise<UnitInWork> {
  const answer = await client.workflow.getHandle(id).query(QUERY_STATUS);
  const status = readAnswer(backupStatus, answer, id);
  const { target, phase, paused, waiting_for: waitingFor, done, segment } = status;
  const running = segment === undefined ? undefined : await askSegment(client, segment);
  const inFlight = await rangesOf(client, id);
  if (segment !== undefined) inFlight.push(...(await rangesOf(client, segment)));
  const failed = [...status.failed, ...(running?.failed ?? [])];
  return {
    ...{ workflow_id: id, target, phase: paused ? `${phase}, paused` : phase },
    ...(waitingFor === undefined ? {} : { waiting_for: waitingFor }),
    ranges_done: done.ranges + (running?.done.ranges ?? 0),
    ranges_total: status.ranges_total,
    in_flight: inFlight.slice(0, MOST),
    failed: failed.slice(0, MOST).map(({ range, reason }) => ({ range, reason })),
  };
}

async function rangesOf(client: Client, id: string): Promise<PageRange[]> {
  const { raw } = await client.workflow.getHandle(id).describe();
  return pendingActivities<RangeProgress>(raw).map(({ what, attempt, reason, beat }) => ({
    ...{ what, attempt },
    ...(beat.phase === undefined ? {} : { phase: beat.phase }),
    ...(reason === undefined ? {} : { reason }),
    ...(beat.records === undefined ? {} : { records: beat.records, bytes: beat.bytes ?? 0 }),
  }));
}
