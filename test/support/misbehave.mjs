// Loaded into worker processes and their threads before their own code (NODE_OPTIONS=--import): misbehaves
// on command. A command is a file in the folder MISBEHAVE_IN, named <role>-<where>, that holds a kind. Who
// takes it leaves its place under /proc in the file `taken`.
import { readFileSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const { MISBEHAVE_IN: folder, APTOS_BACKUP_ROLE: role } = process.env;
const LOOK_MS = 50;

/** A thread with an open connection is in the middle of a range. */
function where() {
  if (isMainThread) return 'main';
  return process.getActiveResourcesInfo().includes('TCPSocketWrap') ? 'thread' : 'idle-thread';
}

/** Whoever renames the file first takes the command; one that is empty is only being written. */
function takeCommand() {
  const file = join(folder, `${role}-${where()}`);
  try {
    const kind = readFileSync(file, 'utf8');
    if (!kind) return undefined;
    renameSync(file, `${file}.taken`);
    writeFileSync(join(folder, 'taken'), readlinkSync('/proc/thread-self'));
    return kind;
  } catch {
    return undefined;
  }
}

const overflow = () => overflow() + 1;

const KINDS = {
  rejection: () => void Promise.reject(new Error('a floating rejection of a test')),
  throw() {
    throw new Error('an exception of a test in a timer');
  },
  overflow: () => overflow(),
  exit: () => process.exit(3),
  loop() {
    for (;;);
  },
  heap() {
    const hog = [];
    for (;;) hog.push(new Array(1_000).fill(Math.random()));
  },
};

if (folder && role) {
  setInterval(() => {
    const kind = takeCommand();
    if (kind) KINDS[kind]();
  }, LOOK_MS).unref();
}
