import { describe } from 'vitest';
import { openS3 } from '../../../src/storage/s3/open-s3.js';
import { makeBucket, s3Server } from '../../support/s3-bucket.js';
import { storageContract } from '../contract.js';

const server = s3Server();

function bucket(parameters: string) {
  return async () => {
    const { url } = await makeBucket(server);
    return () => openS3(url('backups/e1', parameters));
  };
}

describe('a bucket of S3 that is written plain', () =>
  storageContract(bucket('encoding=plain'), { folders: false }));
describe("a bucket of S3 that is gzip'd by itself", () =>
  storageContract(bucket('gzip_level=9'), { folders: false, as: 'gzip' }));
