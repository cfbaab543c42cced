import { createHash } from 'node:crypto';

/** An object as a line of JSON that ends with a digest of itself: one in which a bit has changed is none. */
export function encodeDigested(object: object): Uint8Array {
  const text = JSON.stringify(object);
  return Buffer.from(`${text.slice(0, -1)},"digest":"${digestOfText(text)}"}\n`);
}

export function isIntact(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes).toString('utf8');
  const [, fields, digest] = /^(.*),"digest":"([0-9a-f]{64})"\}\n$/s.exec(text) ?? [];
  return fields !== undefined && digestOfText(`${fields}}`) === digest;
}

function digestOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
