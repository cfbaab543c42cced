import type { StorageErrorCode } from '../../errors/catalogue.js';

/** Codes by which the programs in use say that there is no such object. */
const NO_OBJECT =
  /\bNoSuchKey\b|\bBlobNotFound\b|\bObjectNotFound\b|\(404\)|\bstatus code: 404\b|\breturned error: 404\b|\b404 Not Found\b|\bHTTPError 404\b/i;
/**
 * Words that say so only if the name of the file stands beside them: credentials and programs may be missing, too.
 */
const NOT_THERE =
  /no such (file|object|key)|not found|matched no objects|no urls matched|does ?n[o']t exist|does not exist/i;
const NO_BUCKET =
  /NoSuchBucket|bucket [^\n]*(does not exist|not found)|ContainerNotFound|container does not exist/i;
const EMPTY_PREFIX =
  /^(.*matched no objects.*|CommandException: No URLs matched.*|ERROR "ls .*": no object found|.*directory not found.*|ls: cannot access .*: No such file or directory|find: .*: No such file or directory|INFO: .*)$/i;

/** What the usual packers say of a file that is not whole. */
const PACKED_DAMAGE = new RegExp(
  [
    '^(gzip|gunzip|zcat|pigz|unpigz): .*(unexpected end of file|not in gzip format|invalid compressed data|invalid magic|short read|crc error|length error|corrupt|incomplete|premature end|unrecognized format|<stdin> empty)',
    '^(zstd|unzstd|zstdcat): .*(unsupported format|unexpected end of file)',
    ' : (Read error \\(39\\)|Decoding error \\(36\\)) : ', // zstd as well
    '^(xz|unxz|xzcat): .*(unexpected end of input|format not recognized|data is corrupt)',
    '^(bzip2|bunzip2|bzcat): .*(ends unexpectedly|integrity error|is not a bzip2 file)',
    '^Error \\d+ : (Unfinished stream|Unrecognized header|Decompression error)', // lz4
  ].join('|'),
  'i',
);

/** What programs say of a request that failed. Beside it, a packer's words show nothing. */
const TROUBLE =
  /\b(\w*error|errors|fail|failed|failure|fatal|\w*exception|traceback|aborted|refused|reset|closed|broken|timed? ?out|timeout|denied|forbidden|unavailable|slow ?down|busy|retry|retrying|cannot|could not|unable|interrupted|killed|no such)\b|^curl: \(/i;

/** Names of temporary files: ours are in a folder of each command, and `mktemp` adds letters at random. */
const TEMPORARY = /[^\s'":]*aptos-backup-command-[^\s'":]*|\btmp\.[A-Za-z0-9]{6,}/g;

const CODES: readonly [RegExp, StorageErrorCode, string][] = [
  [
    /No space left on device|ENOSPC|Disk quota exceeded|QuotaExceeded/i,
    'NO_SPACE',
    'make room where the command says',
  ],
  [
    /access ?denied|permission denied|forbidden|\(40[13]\)|\b(status|code|error|response|HTTP\S*)[ :=]+40[13]\b|not authorized|unauthorized|AuthenticationFailed|AuthorizationPermission|InvalidAccessKeyId|SignatureDoesNotMatch|Expired ?Token|Unable to locate credentials|could not find default credentials|no active account/i,
    'DENIED',
    'check the credentials and rights that the command uses',
  ],
];

/** Whether a command said that there is no such file, in words or codes that mean nothing else. */
export function saysNotThere(stderr: string, handle: string): boolean {
  if (NO_BUCKET.test(stderr)) return false;
  if (NO_OBJECT.test(stderr)) return true;
  const name = handle.slice(handle.lastIndexOf('/') + 1);
  return linesOf(stderr).some((line, i, lines) => {
    // `gcloud` names it on the next line.
    const about = line.endsWith(':') ? `${line}${lines[i + 1] ?? ''}` : line;
    return NOT_THERE.test(line) && about.includes(name);
  });
}

/** Whether all that a listing command said means that nothing is there yet. */
export function saysNothingYet(stderr: string): boolean {
  const lines = linesOf(stderr);
  return !NO_BUCKET.test(stderr) && lines.every((line) => EMPTY_PREFIX.test(line));
}

/** Whether a command said that something went wrong, beside warnings. */
export function saysTrouble(stderr: string): boolean {
  return linesOf(stderr).some(
    (line) => TROUBLE.test(line) && !/^(warning|note|info)\b/i.test(line),
  );
}

/** Whether a command said that a packed file is damaged, and of nothing else that went wrong. */
export function saysDamaged(stderr: string): boolean {
  const [damage, others] = [[] as string[], [] as string[]];
  for (const line of linesOf(stderr)) (PACKED_DAMAGE.test(line) ? damage : others).push(line);
  return damage.length > 0 && !others.some((line) => TROUBLE.test(line));
}

/** Whether a command said that the folder exists already. */
export function saysExists(stderr: string): boolean {
  return /\b(already )?exists?\b/i.test(stderr) && !NOT_THERE.test(stderr);
}

/** The code for the failure of a command, and what to do. */
export function meaningOf(stderr: string): { code: StorageErrorCode; todo: string } {
  const [, program] = /(?:^|\s)(\S+): command not found\s*$/m.exec(stderr) ?? [];
  if (program !== undefined) {
    const todo = `install ${program} wherever workers run, or put it on their PATH`;
    return { code: 'STORAGE_UNFIT', todo };
  }
  const [, variable] = /(?:^|\s)(\w+): unbound variable\s*$/m.exec(stderr) ?? [];
  if (variable !== undefined) {
    const todo = `set ${variable} in env_vars, or in the environment of all workers`;
    return { code: 'STORAGE_UNFIT', todo };
  }
  for (const [words, code, todo] of CODES) if (words.test(stderr)) return { code, todo };
  return { code: 'STORAGE_FAILED', todo: 'run the command by hand to see why, if it goes on' };
}

/** An answer without names, numbers and ids. Answers that differ only in these have the same form. */
export function formOf(status: number, stderr: string, handle: string): string {
  const name = handle.slice(handle.lastIndexOf('/') + 1);
  const said = stderr.replaceAll(handle, '').replaceAll(name, '').replace(TEMPORARY, '#');
  return `${status} ${said.replace(/[A-Za-z0-9+/=_-]*\d[A-Za-z0-9+/=_-]*/g, '#')}`;
}

/** What was said, without the trace of `set -x`: it repeats the command, and says nothing of what came of it. */
export function linesOf(text: string): string[] {
  return text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^\++ /.test(line));
}
