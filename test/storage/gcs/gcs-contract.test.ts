import { describe } from 'vitest';
import { openGcs } from '../../../src/storage/gcs/open-gcs.js';
import { gcsServer, makeGcsBucket } from '../../support/gcs-bucket.js';
import { storageContract } from '../contract.js';

const server = gcsServer();

function bucket(parameters: string) {
  return async () => {
    const { url } = await makeGcsBucket(server);
    return () => openGcs(url('backups/e1', parameters));
  };
}

describe('a bucket of GCS that is written plain', () =>
  storageContract(bucket('encoding=plain'), { folders: false }));
describe("a bucket of GCS that is gzip'd by itself", () =>
  storageContract(bucket('gzip_level=9'), { folders: false, as: 'gzip' }));
