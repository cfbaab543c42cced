import { createHash } from 'node:crypto';

/** Encodes an object as one line of JSON with a sha256 digest of the rest at its end. */
export function encodeDigested(object: object): Uint8Array {
  const text = JSON.stringify(object);
  return Buffer.from(`${text.slice(0, -1)},"digest":"${digestOfText(text)}"}\n`);
}

/** Whether a line from `encodeDigested` is unchanged. */
export function isIntact(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes).toString('utf8');
  const [, fields, digest] = /^(.*),"digest":"([0-9a-f]{64})"\}\n$/s.exec(text) ?? [];
  return fields !== undefined && digestOfText(`${fields}}`) === digest;
}

function digestOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
