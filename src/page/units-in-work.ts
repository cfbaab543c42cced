import type { Client } from '@temporalio/client';
import { readBackup } from '../client/progress.js';
import type { UnitInWork } from '../contract/answers/page-answers.js';
import type { LiveStatus } from '../contract/answers/shown-answers.js';
import { STREAMS } from '../contract/coordinator-state.js';

const MOST = 20;

/** The units that a coordinator has in work, each with its ranges. One that ends meanwhile is left out. */
export async function unitsInWork(client: Client, status: LiveStatus): Promise<UnitInWork[]> {
  const ids = STREAMS.flatMap((type) => status.streams[type].current?.workflow_id ?? []);
  const units = await Promise.all(ids.map((id) => readUnit(client, id).catch(() => undefined)));
  return units.flatMap((unit) => unit ?? []);
}

async function readUnit(client: Client, id: string): Promise<UnitInWork> {
  const { status, running, doing, failed } = await readBackup(client, id);
  const { target, phase, paused, waiting_for: waitingFor, done } = status;
  return {
    ...{ workflow_id: id, target, phase: paused ? `${phase}, paused` : phase },
    ...(waitingFor === undefined ? {} : { waiting_for: waitingFor }),
    ranges_done: done.ranges + (running?.done.ranges ?? 0),
    ranges_total: status.ranges_total,
    in_flight: doing.slice(0, MOST).map(({ what, attempt, reason, beat }) => ({
      ...{ what, attempt },
      ...(beat.phase === undefined ? {} : { phase: beat.phase }),
      ...(reason === undefined ? {} : { reason }),
      ...(beat.records === undefined ? {} : { records: beat.records, bytes: beat.bytes ?? 0 }),
    })),
    failed: failed.slice(0, MOST).map(({ range, reason }) => ({ range, reason })),
  };
}
