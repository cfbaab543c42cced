/**
 * Loaded into a worker process before anything else (`--import`): lets its file system hang, or kills
 * the process, at the calls that a control file names. The file `HUNG_FILES` names holds
 * `{"call": "link", "path": "metadata", "do": "hang", "fifo": "..."}`; without it all is as usual.
 * A call that hangs waits in the kernel, in one of the threads of libuv, as on a dead file server.
 */
import { existsSync, readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const control = process.env['HUNG_FILES'];
const { open } = fs;
const paths = new WeakMap();
let calls = 0;

async function meet(call, path) {
  if (!existsSync(control)) return;
  let fault;
  try {
    fault = JSON.parse(readFileSync(control, 'utf8'));
  } catch {
    return; // just being written or removed
  }
  if (fault.call !== call || !new RegExp(fault.path).test(String(path))) return;
  if (fault.inThread && isMainThread) return;
  calls += 1;
  if (fault.do === 'kill' && calls === fault.nth) process.kill(process.pid, 'SIGKILL');
  if (fault.do === 'hang') await (await open(fault.fifo, 'r')).close();
}

function patch(object, call, pathOf) {
  const real = object[call];
  object[call] = async function (...args) {
    await meet(call, pathOf(this, args));
    return real.apply(this, args);
  };
}

if (control !== undefined) {
  let patched = false;
  fs.open = async (path, ...rest) => {
    await meet('open', path);
    const handle = await open(path, ...rest);
    paths.set(handle, path);
    if (!patched) {
      patched = true;
      const methods = Object.getPrototypeOf(handle);
      for (const call of ['write', 'sync', 'datasync', 'read']) {
        patch(methods, call, (file) => paths.get(file));
      }
    }
    return handle;
  };
  for (const call of ['readdir', 'mkdir', 'rm', 'lstat', 'realpath']) {
    patch(fs, call, (_, [path]) => path);
  }
  for (const call of ['link', 'rename']) patch(fs, call, (_, [, to]) => to);
  syncBuiltinESMExports();
}
