import { type Damage, flipAt, unsign } from './subject.js';

export const EPOCH_ENDING_DAMAGES: Damage[] = [
  [
    'a waypoint altered',
    (s) =>
      s.editManifest(
        s.epochs,
        (m) =>
          (m['waypoints'] = (m['waypoints'] as string[]).map((w) =>
            w.replace(/.$/, (d) => (d === '0' ? '1' : '0')),
          )),
      ),
    (s) => s.epochChunk(0),
  ],
  [
    'a waypoint too few',
    (s) => s.editManifest(s.epochs, (m) => (m['waypoints'] as string[]).pop()),
    (s) => s.epochs,
  ],
  [
    'waypoints swapped',
    (s) => s.editManifest(s.epochs, (m) => (m['waypoints'] as string[]).reverse()),
    (s) => s.epochChunk(0),
  ],
  [
    'a first epoch that is not',
    (s) => s.editManifest(s.epochs, (m) => (m['first_epoch'] = Number(m['first_epoch']) - 1)),
    (s) => s.epochs,
  ],
  [
    'a last epoch that is not',
    (s) => s.editManifest(s.epochs, (m) => (m['last_epoch'] = Number(m['last_epoch']) + 1)),
    (s) => s.epochs,
  ],
  [
    'no chunks of epoch endings',
    (s) => s.editManifest(s.epochs, (m) => (m.chunks = [])),
    (s) => s.epochs,
  ],
  [
    'a chunk of epoch endings not listed',
    (s) => s.editManifest(s.epochs, (m) => m.chunks.pop()),
    (s) => s.epochs,
  ],
  [
    'a chunk of epoch endings listed twice',
    (s) => s.editManifest(s.epochs, (m) => m.chunks.push(m.chunks.at(-1)!)),
    (s) => s.epochs,
  ],
  [
    'an epoch ending dropped',
    (s) => s.editRecords(s.epochChunk(0), (r) => r.slice(0, -1)),
    (s) => s.epochChunk(0),
  ],
  [
    'an epoch ending twice',
    (s) => s.editRecords(s.epochChunk(0), (r) => [r[0]!, ...r]),
    (s) => s.epochChunk(0),
  ],
  [
    'epoch endings in another order',
    (s) => s.editRecords(s.epochChunk(0), (r) => r.reverse()),
    (s) => s.epochChunk(0),
  ],
  [
    'the signature of an epoch ending altered',
    (s) => s.editRecords(s.epochChunk(0), (r) => [flipAt(r[0]!, -3), ...r.slice(1)]),
    (s) => s.epochChunk(0),
  ],
  [
    'the signatures of an epoch ending removed',
    (s) => s.editRecords(s.epochChunk(0), (r) => [unsign(r[0]!), ...r.slice(1)]),
    (s) => s.epochChunk(0),
  ],
  [
    'an epoch line with another version',
    (s) => s.editLine(s.epochLine, (l) => (l['last_version'] = Number(l['last_version']) + 1)),
    (s) => s.epochLine,
  ],
  [
    'an epoch line with another epoch',
    (s) => s.editLine(s.epochLine, (l) => (l['last_epoch'] = Number(l['last_epoch']) + 1)),
    (s) => s.epochLine,
  ],
  ['an epoch line lost', (s) => s.remove(s.epochLine), (s) => s.epochs],
];
