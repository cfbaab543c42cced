import { AptosDataError, type JsonObject } from '../aptos/index.js';

interface Extended {
  extra?: JsonObject;
}

const DIGEST = /^[0-9a-f]{64}$/;
const PROVEN = /^(signed|not yet proven|chained to waypoint \d{1,20}:[0-9a-f]{64})$/;

/**
 * Checks that a manifest has all fields that our commits add, or none of them (docs/formats.md, Our own files). If
 * damage changed the name of such a field, the check that needs the field would silently not run. Manifests of the
 * stock tool have none of them. Other unknown fields are ignored. `hasProofs`: chunks of this kind have proof files.
 * @throws AptosDataError MANIFEST_INVALID
 */
export function requireOwnFields(
  manifest: Extended & { chunks: readonly Extended[] },
  hasProofs: boolean,
): void {
  const digests = hasProofs ? ['sha256', 'proof_sha256'] : ['sha256'];
  const ours = [...digests, 'bytes', 'proven'];
  const isOurs = [manifest, ...manifest.chunks].some(({ extra = {} }) =>
    ours.some((name) => name in extra),
  );
  if (!isOurs) return;
  requireText('it', manifest.extra, 'proven', PROVEN);
  for (const [i, { extra }] of manifest.chunks.entries()) {
    const what = `its chunk number ${i + 1}`;
    for (const name of digests) requireText(what, extra, name, DIGEST);
    requireText(what, extra, 'proven', PROVEN);
    if (typeof extra?.['bytes'] !== 'bigint') throw without(what, 'bytes');
  }
}

function requireText(
  what: string,
  extra: JsonObject | undefined,
  name: string,
  form: RegExp,
): void {
  const value = extra?.[name];
  if (typeof value !== 'string' || !form.test(value)) throw without(what, name);
}

function without(what: string, name: string): AptosDataError {
  const why = `${what} has no ${name} as aptos-backup writes it, although other fields of ours are there; it was changed since it was written`;
  return new AptosDataError('MANIFEST_INVALID', why);
}
