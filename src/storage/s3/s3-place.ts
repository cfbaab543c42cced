/** Where the objects of a storage are. */
export interface S3Place {
  bucket: string;
  /** Folders in the bucket with `/` between them; '' for none. */
  prefix: string;
  /** Another server than Amazon's. */
  endpoint: string | undefined;
}

/** For messages. */
export function describePlace({ bucket, prefix, endpoint }: S3Place): string {
  const at = endpoint === undefined ? '' : ` at ${endpoint}`;
  return `bucket s3://${bucket}${prefix && `/${prefix}`}${at}`;
}

/** Equal for the same objects. */
export function identifyPlace({ bucket, prefix, endpoint }: S3Place): string {
  const at = endpoint === undefined ? '' : `?endpoint=${endpoint}`;
  return `s3://${bucket}${prefix && `/${prefix}`}${at}`;
}

/** The key of an object in the bucket. */
export function keyOf({ prefix }: S3Place, handle: string): string {
  return prefix === '' ? handle : `${prefix}/${handle}`;
}
