import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bucket } from './s3-bucket.js';

/** Puts all files of a storage in a folder into a bucket, below a prefix. Returns their handles. */
export async function copyToBucket(
  { s3, name }: Bucket,
  folder: string,
  prefix: string,
): Promise<string[]> {
  const handles = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  for (const handle of handles) {
    const Body = readFileSync(join(folder, handle));
    await s3.putObject({ Bucket: name, Key: `${prefix}/${handle}`, Body });
  }
  return handles;
}
