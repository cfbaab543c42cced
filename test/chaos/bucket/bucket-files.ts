import type { S3 } from '@aws-sdk/client-s3';
import type { StoredFiles } from '../place.js';

/** The objects below a prefix, as a bare client of the store sees and changes them. */
export function bucketFiles(s3: S3, Bucket: string, prefix: string): StoredFiles {
  const at = (handle: string) => ({ Bucket, Key: `${prefix}/${handle}` });
  return {
    async list(folder) {
      const Prefix = folder === undefined ? `${prefix}/` : `${prefix}/${folder}/`;
      const names: string[] = [];
      try {
        for (let ContinuationToken: string | undefined, more = true; more;) {
          const page = await s3.listObjectsV2({
            ...{ Bucket, Prefix, Delimiter: '/' },
            ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
          });
          const found =
            folder === undefined
              ? (page.CommonPrefixes ?? []).map((one) => one.Prefix!.slice(0, -1))
              : (page.Contents ?? []).map(({ Key }) => Key!);
          names.push(...found.map((key) => key.slice(Prefix.length)));
          ContinuationToken = page.NextContinuationToken;
          more = page.IsTruncated === true;
        }
        return names;
      } catch {
        return []; // the store is away
      }
    },
    async read(handle) {
      try {
        const { Body } = await s3.getObject(at(handle));
        return Buffer.from(await Body!.transformToByteArray());
      } catch {
        return undefined;
      }
    },
    async write(handle, Body) {
      await s3.putObject({ ...at(handle), Body });
    },
    async remove(handle) {
      await s3.deleteObject(at(handle));
    },
    async leavePart(folder, Body) {
      const name = `left-${Body.toString('hex', 0, 3)}.chunk`;
      const { UploadId } = await s3.createMultipartUpload(at(`${folder}/${name}`));
      await s3.uploadPart({ ...at(`${folder}/${name}`), UploadId, PartNumber: 1, Body });
      return name;
    },
  };
}
