/** What programs say of a missing file is told from what they say of anything else that is missing. */
import { expect, it } from 'vitest';
import {
  formOf,
  meaningOf,
  saysDamaged,
  saysExists,
  saysNotThere,
  saysNothingYet,
  saysTrouble,
} from '../../../src/storage/command/answers.js';
import { parseListing } from '../../../src/storage/command/listing.js';
import { redactionOf } from '../../../src/storage/command/redaction.js';

it.each([
  'fatal error: An error occurred (404) when calling the HeadObject operation: Not Found',
  'CommandException: No URLs matched: gs://b/e1/a_backup/plan.json',
  'ERROR: (gcloud.storage.cp) The following URLs matched no objects or files:\n-gs://b/e1/a_backup/plan.json',
  'ERROR "cat s3://b/a": NoSuchKey: status code: 404, request id: X',
  'RESPONSE 404: 404 The specified blob does not exist.\nERROR CODE: BlobNotFound',
  'curl: (22) The requested URL returned error: 404',
  'gzip: /backups/a_backup/plan.json: No such file or directory',
])('%j says that a file is missing', (stderr) => {
  expect(saysNotThere(stderr, 'a_backup/plan.json')).toBe(true);
});

it.each([
  'An error occurred (NoSuchBucket) when calling the GetObject operation: The specified bucket does not exist',
  'Copying gs://b/a_backup/plan.json\nERROR: the credentials file was not found',
  'bash: line 1: gzip: command not found',
  'gzip: stdin: unexpected end of file',
  '',
])('%j says nothing of a missing file', (stderr) => {
  expect(saysNotThere(stderr, 'a_backup/plan.json')).toBe(false);
});

it('an empty prefix is told from a store that is away', () => {
  expect(saysNothingYet('')).toBe(true);
  expect(saysNothingYet('CommandException: One or more URLs matched no objects.\n')).toBe(true);
  expect(saysNothingYet('ERROR "ls s3://b/e1/metadata/": no object found')).toBe(true);
  expect(saysNothingYet('BucketNotFoundException: 404 gs://b bucket does not exist.')).toBe(false);
  expect(saysNothingYet('Could not connect to the endpoint URL')).toBe(false);
});

it('the trace of `set -x` is no complaint', () => {
  const trace =
    "+ timeout 60 aws s3 ls s3://b/e1/metadata/\n++ basename x\n+ echo 'error: retry'\n";
  expect(saysNothingYet(trace)).toBe(true);
  expect(saysNothingYet(`${trace}Could not connect to the endpoint URL`)).toBe(false);
  expect(saysTrouble(trace)).toBe(false);
  expect(saysDamaged(`${trace}\ngzip: stdin: unexpected end of file\n+ rm -f /tmp/x`)).toBe(true);
});

it('answers that differ in names and ids alone have one form', () => {
  const say = (name: string, id: string) => `error of ${name}, request ${id}`;
  expect(formOf(1, say('x/a.json', '1A2B'), 'x/a.json')).toBe(
    formOf(1, say('y/b.json', '9Z8Y'), 'y/b.json'),
  );
  expect(formOf(1, 'busy', 'x/a.json')).not.toBe(formOf(1, 'not there', 'x/a.json'));
});

it.each(['/tmp/aptos-backup-command-deadbeef-12-', '/data/tmp.'])(
  'answers that name temporary files in %s have one form, also without a digit at random',
  (begin) => {
    const say = (random: string) => `gzip: ${begin}${random}/tmp.${random}: not in gzip format`;
    const forms = ['kXjQmZabcd', 'kXjQmZabc1', 'A1b2C3d4E5'].map((random) =>
      formOf(1, say(random), 'x/a.json'),
    );
    expect(new Set(forms).size).toBe(1);
    expect(formOf(1, `gzip: ${begin}AbCdEf: busy`, 'x/a.json')).not.toBe(forms[0]);
  },
);

it('damage, folders that are there, rights and full disks are known by their words', () => {
  expect(saysDamaged('\ngzip: stdin: unexpected end of file\n')).toBe(true);
  expect(saysDamaged('gzip: stdin: unexpected end of file\ncurl: (18) transfer closed')).toBe(
    false,
  );
  expect(saysExists('mkdir: cannot create directory ‘a’: File exists')).toBe(true);
  expect(saysExists('the bucket does not exist')).toBe(false);
  expect(meaningOf('An error occurred (AccessDenied) when calling').code).toBe('DENIED');
  expect(meaningOf('write error: No space left on device').code).toBe('NO_SPACE');
  expect(meaningOf('503 Slow Down').code).toBe('STORAGE_FAILED');
  expect(meaningOf('bash: line 1: gsutil: command not found\ngzip: stdin: not whole\n')).toEqual({
    code: 'STORAGE_UNFIT',
    todo: 'install gsutil wherever workers run, or put it on their PATH',
  });
  expect(meaningOf('bash: line 3: SUBDIR: unbound variable\n')).toEqual({
    code: 'STORAGE_UNFIT',
    todo: 'set SUBDIR in env_vars, or in the environment of all workers',
  });
});

it('a listing is read line by line, whatever the store adds to it', () => {
  const output =
    '\r\nmetadata/\r\nmetadata/a.meta\r\n\n  metadata/b.meta  \nmetadata/sub/\nmetadata/PRE\nmetadata/a.meta\nmetadata/x y\n../c.meta\nmetadata/last.meta';
  expect(parseListing(output)).toEqual({
    names: ['a.meta', 'b.meta', 'last.meta'],
    foreign: ['metadata/x y', '../c.meta'],
  });
});

it('values of variables, credentials in URLs and signatures are hidden, names of places are not', () => {
  const redact = redactionOf(
    {
      envVars: [
        { key: 'BUCKET', value: 'my-bucket' },
        { key: 'MYSTERY', value: 'hunter2+more' },
        { key: 'KEY_FILE', value: 'line one\nline two' },
      ],
    },
    { AWS_SECRET_ACCESS_KEY: 'abcdefgh', HOME: '/home/me' },
  );
  expect(
    redact(
      'my-bucket hunter2+more hunter2%2Bmore abcdefgh /home/me line two ftp://u:p@h/ ?sv=1&sig=x%2By&X-Amz-Signature=00 Authorization: Bearer abc',
    ),
  ).toBe(
    'my-bucket *** *** *** /home/me *** ftp://***@h/ ?sv=1&sig=***&X-Amz-Signature=*** Authorization: Bearer ***',
  );
});

it.each([
  ['DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abc==;E=x', 'abc=='],
  [
    '> Authorization: AWS4-HMAC-SHA256 Credential=AK/s3, SignedHeaders=host, Signature=ab12',
    'ab12',
  ],
  ['Authorization: AWS4-HMAC-SHA256 Credential=AK/s3, SignedHeaders=host', 'AK/s3'],
  ['< X-Auth-Token: gAAAA-b', 'gAAAA-b'],
  ["+ tool --sas-token='?sv=1&x' --name a", 'sv=1'],
  ['+ rclone rcat --s3-secret-access-key abc remote:b', ' abc'],
])('%j is shown without its secret', (text, secret) => {
  expect(redactionOf({ envVars: [] }, {})(text)).not.toContain(secret);
});

it('the value of a connection string is hidden, and the key of an object is not', () => {
  const env = { AZURE_STORAGE_CONNECTION_STRING: 'AccountName=a;AccountKey=abc' };
  const redact = redactionOf({ envVars: [] }, env);
  expect(redact(`+ put --key a/0-.chunk ${env.AZURE_STORAGE_CONNECTION_STRING}`)).toBe(
    '+ put --key a/0-.chunk ***',
  );
});

it('damage is known beside a program that says what it copies, and not beside trouble', () => {
  const copying = 'Copying gs://b/a to file:///tmp/x\r  Completed files 1/1\n';
  expect(saysDamaged(`${copying}gzip: stdin: unexpected end of file`)).toBe(true);
  expect(saysDamaged('ERROR: connection lost\ngzip: stdin: unexpected end of file')).toBe(false);
  expect(saysDamaged('gzip: short read')).toBe(true);
  expect(saysDamaged(copying)).toBe(false);
});

it.each([
  'pigz: skipping: <stdin>: corrupted -- incomplete deflate data',
  'unpigz: skipping: <stdin> unrecognized format',
  '/*stdin*\\ : Read error (39) : premature end',
  "/*stdin*\\ : Decoding error (36) : Restored data doesn't match checksum",
  'zstd: /*stdin*\\: unsupported format',
  'zstd: /*stdin*\\: unexpected end of file',
  'xz: (stdin): Unexpected end of input',
  '\nbzip2: Compressed file ends unexpectedly;\n\tperhaps it is corrupted?  *Possible* reason follows.\nbzip2: Inappropriate ioctl for device\n',
  'Error 68 : Unfinished stream',
])('%j of another packer is damage', (stderr) => {
  expect(saysDamaged(stderr)).toBe(true);
  expect(saysDamaged(`${stderr}\ncurl: (18) transfer closed`)).toBe(false);
});

it('a number in the name of a file is no status', () => {
  const busy = meaningOf('Copying to gs://b/a/401-.chunk\nERROR: HTTPError 503');
  expect(busy.code).toBe('STORAGE_FAILED');
  expect(meaningOf('RESPONSE 403: x').code).toBe('DENIED');
});

it('names as `find` prints them are handles', () => {
  const output = './metadata\n./metadata/a.meta\nmetadata//b.meta\n./metadata/.keep\n';
  expect(parseListing(output)).toEqual({ names: ['a.meta', 'b.meta'], foreign: [] });
});

it('hidden marks of a folder are passed over', () => {
  expect(parseListing('metadata/.keep\nmetadata/\n')).toEqual({ names: [], foreign: [] });
});

it("the token in a pre-authenticated URL of Oracle's is hidden", () => {
  const redact = redactionOf({ envVars: [] }, {});
  const url = 'https://objectstorage.example/p/abcdefghijklmnop-QRST/n/team/b/backups/o/x';
  expect(redact(url)).toBe('https://objectstorage.example/p/***/n/team/b/backups/o/x');
});
