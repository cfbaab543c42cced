import type { AdapterConfig } from './adapter-config.js';

/** Names of variables that say where things are. The value of any other variable of an adapter may be a secret. */
const NAMING =
  /(BUCKET|DIR|DIRECTORY|FOLDER|PATH|PREFIX|REGION|ZONE|PROJECT|CONTAINER|ACCOUNT|PROFILE|ENDPOINT|HOST|ERA|NETWORK|REMOTE|UR[IL]|ROOT|BASE|LOCATION|TARGET|DEST|DESTINATION|SERVER|CHAIN|CLUSTER|NAMESPACE|STORE|STORAGE)(_NAME|_ID|_UR[IL])?\d*$/i;
const SECRET =
  /secret|token|passw|passphrase|credential|key$|key_|sas|signature|auth|access_uri|private|connection_?string|webhook/i;
const SECRET_VALUE =
  /[?&](sig|signature|token)=|:\/\/[^/\s]*@|BEGIN [A-Z ]*PRIVATE KEY|\b(AccountKey|SharedAccessSignature)=|\/p\/[\w-]{16,}\/n\//i;
/** Shorter values are not hidden: they occur everywhere. */
const LEAST = 4;
const LEAST_INHERITED = 6;

const HIDDEN = '***';
const PATTERNS: readonly [RegExp, string][] = [
  [/(:\/\/)[^/\s@]+@/g, `$1${HIDDEN}@`],
  [/([?&][a-z-]*(?:sig|signature|credential|security-token|token|key)=)[^&\s"']+/gi, `$1${HIDDEN}`],
  [/(\/p\/)[\w-]{16,}(?=\/n\/)/g, `$1${HIDDEN}`], // a pre-authenticated request of Oracle
  // To the end of the line: AWS has several parts in it.
  [
    /(authorization: *(?:(?:aws[\w-]*|basic|bearer|sharedkey|token) +)?)[^"'\r\n]+/gi,
    `$1${HIDDEN}`,
  ],
  [/(\bx-[\w-]*(?:token|key): *)[^\s"']+/gi, `$1${HIDDEN}`],
  [/(\b(?:AccountKey|SharedAccessSignature)=)[^;\s"']+/gi, `$1${HIDDEN}`],
  // What `set -x` shows of options.
  [
    /(--(?:[\w-]+-key|[\w-]*(?:token|secret|password|passphrase))[ =]["']?)[^\s"']+/gi,
    `$1${HIDDEN}`,
  ],
];

/** Whether a variable of an adapter says where things are, and nothing secret. */
export function isNaming({ key, value }: { key: string; value: string }): boolean {
  return NAMING.test(key) && !SECRET.test(key) && !SECRET_VALUE.test(value);
}

/** Hides secrets in text for people: values of variables, credentials in URLs, signatures. */
export function redactionOf(
  config: Pick<AdapterConfig, 'envVars'>,
  env: NodeJS.ProcessEnv = process.env,
): (text: string) => string {
  const own = config.envVars.filter((variable) => !isNaming(variable)).map(({ value }) => value);
  const inherited = Object.entries(env)
    .filter(([key, value = '']) => SECRET.test(key) || SECRET_VALUE.test(value))
    .map(([, value = '']) => value);
  const values = [
    ...own.flatMap((value) => formsOf(value, LEAST)),
    ...inherited.flatMap((value) => formsOf(value, LEAST_INHERITED)),
  ].sort((a, b) => b.length - a.length); // a value may be part of another one
  return (text) => {
    let shown = text;
    for (const value of values) shown = shown.replaceAll(value, HIDDEN);
    for (const [pattern, by] of PATTERNS) shown = shown.replace(pattern, by);
    return shown;
  };
}

/** The forms in which programs may print a value: whole, line by line, and URL-encoded. */
function formsOf(value: string, least: number): string[] {
  const forms = new Set([value, ...value.split(/\r?\n/)].map((form) => form.trim()));
  for (const form of [...forms]) forms.add(encodeURIComponent(form));
  return [...forms].filter((form) => form.length >= least);
}
