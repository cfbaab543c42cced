/** Where the objects of a storage are. */
export interface GcsPlace {
  bucket: string;
  /** Folders in the bucket with `/` between them; '' for none. */
  prefix: string;
  /** The server, as `https://host`. */
  endpoint: string;
  /** Asks without credentials. */
  anonymous: boolean;
}

export const GOOGLE = 'https://storage.googleapis.com';

/** For messages. */
export function describePlace({ bucket, prefix, endpoint }: GcsPlace): string {
  const at = endpoint === GOOGLE ? '' : ` at ${endpoint}`;
  return `bucket gs://${bucket}${prefix && `/${prefix}`}${at}`;
}

/** Equal for the same objects. */
export function identifyPlace({ bucket, prefix, endpoint }: GcsPlace): string {
  const at = endpoint === GOOGLE ? '' : `?endpoint=${endpoint}`;
  return `gs://${bucket}${prefix && `/${prefix}`}${at}`;
}
