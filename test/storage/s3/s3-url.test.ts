/** The URL of a bucket says where it is and how it is written, and no more. */
import { expect, it } from 'vitest';
import { openS3 } from '../../../src/storage/s3/open-s3.js';

it('It names the same storage for everybody, however it is reached and written.', () => {
  const { id, description } = openS3('s3://bucket/backups/e1');
  expect(description).toBe('bucket s3://bucket/backups/e1');
  for (const parameters of ['region=eu-west-1', 'anonymous=true', 'encoding=plain&gzip_level=9']) {
    expect(openS3(`s3://bucket/backups/e1?${parameters}`)).toMatchObject({ id, description });
  }
  const others = ['s3://bucket/backups', 's3://bucket/backups/e1?endpoint=https://s3.example.com'];
  for (const other of others) expect(openS3(other).id).not.toBe(id);
});

it("A new storage is written with gzip, at the URL's level or 1, or plain.", () => {
  expect(openS3('s3://bucket')).toMatchObject({ defaultEncoding: 'gzip', gzipLevel: 1 });
  expect(openS3('s3://bucket?gzip_level=9')).toMatchObject({ gzipLevel: 9 });
  expect(openS3('s3://bucket?encoding=plain')).toMatchObject({ defaultEncoding: 'plain' });
});

it.each([
  ['profile=work', 'has no parameter "profile"; it has: region, endpoint, anonymous, encoding'],
  ['gzip_level=0', 'the parameter "gzip_level" of a storage must be 1 or 2'],
  ['encoding=zstd', 'the parameter "encoding" of a storage must be plain or gzip'],
  ['anonymous=yes', 'the parameter "anonymous" of a storage must be true or false'],
  ['endpoint=minio:9000', 'must be an address such as https://host:port'],
  ['endpoint=ftp://minio', 'must be an address such as https://host:port'],
])('%s is refused', (parameters, message) => {
  const open = () => openS3(`s3://bucket/backups?${parameters}`);
  expect(open).toThrow(message);
  expect(open).toThrow(expect.objectContaining({ code: 'PATH_INVALID' }));
});
