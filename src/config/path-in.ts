import { homedir } from 'node:os';
import path from 'node:path';

/** A path of this host as a file names it: absolute, below the home folder (`~/x`), or beginning in `folder`. */
export function pathIn(folder: string, text: string): string {
  const inHome = /^~(?:\/+(.*))?$/s.exec(text);
  return inHome ? path.join(homedir(), inHome[1] ?? '') : path.resolve(folder, text);
}

/** What is wrong with a path that begins with `~`; undefined: nothing. The homes of others are not looked up. */
export function tildeProblem(text: string): string | undefined {
  const [other] = /^~[^/]+/.exec(text) ?? [];
  if (other === undefined) return undefined;
  return `must not begin with "${other}": only "~/" is known, the own home folder; write the whole path`;
}
