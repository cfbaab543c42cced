import { type StorageUrl, readStorageUrl } from '../../lib/storage-url.js';
import { INDEX_FILE } from '../../storage/index/metadata-index.js';
import { storageName } from '../../contract/storage-name.js';
import type { StorageConfig } from '../../contract/job.js';

/**
 * The stock tool has no flag for buckets: it reads them by commands. These adapters only read. So neither a mistake
 * nor an outage of the listing writes anything into the storage. `gzip -cdf` unpacks gzip'd files and passes others
 * on as they are.
 */
const HEAD = (what: string) => `# Reads ${what} for the stock tool. It never writes.
# Credentials come from the environment.`;

/** An adapter's commands in which $FILE_HANDLE and the like are the tool's own variables. */
interface Commands {
  env?: Record<string, string>;
  /** Writes the object of $FILE_HANDLE to stdout. */
  read: string;
  /** Prints one handle a line. */
  list: string;
}

/**
 * The YAML of a command adapter with which the stock tool reads a bucket, or a folder whose files are gzip'd;
 * undefined for a storage that names its own adapter. `indexed`: the store lists nothing to us, so the names of the
 * metadata are those of the index in it.
 */
export function adapterYaml(storage: StorageConfig, indexed = false): string | undefined {
  if ('command_adapter_config' in storage) return undefined;
  const given = 'url' in storage ? ofUrl(storage.url) : ofFolder(storage.local_fs_dir);
  const commands = indexed ? { ...given, list: byIndex(given.read) } : given;
  const env = Object.entries(commands.env ?? {});
  const variables = env.map(([key, value]) => `  - { key: ${key}, value: ${quoted(value)} }`);
  return `${[
    HEAD(storageName(storage)),
    env.length === 0 ? 'env_vars: []' : ['env_vars:', ...variables].join('\n'),
    'commands:',
    `  create_backup: ${quoted(REFUSE)}`,
    `  create_for_write: ${quoted(REFUSE)}`,
    `  save_metadata_line: ${quoted(REFUSE)}`,
    `  open_for_read: |\n${indented(commands.read)}`,
    `  list_metadata_files: |\n${indented(commands.list)}`,
  ].join('\n')}\n`;
}

const REFUSE = 'echo "this adapter only reads" >&2; exit 1';

function ofUrl(text: string): Commands {
  const url = readStorageUrl(text);
  if ('problem' in url) throw new Error(`storage ${url.problem}`);
  switch (url.scheme) {
    case 's3':
      return s3(url);
    case 'gs':
      return gcs(url);
    case 'azblob':
      return azure(url);
  }
}

/** Both commands are those of the public adapters of the networks, and fail when a listing fails. */
function s3(url: StorageUrl): Commands {
  const { parameters } = url;
  const region = parameters.get('region');
  const endpoint = parameters.get('endpoint');
  const options = [
    ...(endpoint === undefined ? [] : ['--endpoint-url "$ENDPOINT"']),
    ...(parameters.get('anonymous') === 'true' ? ['--no-sign-request'] : []),
  ].map((option) => ` ${option}`);
  return {
    env: {
      PLACE: `s3://${placeOf(url)}`,
      ...(endpoint === undefined ? {} : { ENDPOINT: endpoint }),
      ...(region === undefined ? {} : { AWS_DEFAULT_REGION: region }),
      AWS_RETRY_MODE: 'standard',
      AWS_MAX_ATTEMPTS: '10',
    },
    read: `aws s3 cp${options.join('')} "$PLACE/$FILE_HANDLE" - | gzip -cdf`,
    // A line is: date, time, size, name. Folders and an object without a name are left out.
    list: `aws s3 ls${options.join('')} "$PLACE/metadata/" \\
  | sed -ne 's#^[0-9-]\\{10\\} [0-9:]\\{8\\} *[0-9][0-9]* \\([^ ].*\\)$#metadata/\\1#p'`,
  };
}

function gcs(url: StorageUrl): Commands {
  const { parameters } = url;
  const endpoint = parameters.get('endpoint')?.replace(/\/+$/, '');
  return {
    env: {
      PLACE: `gs://${placeOf(url)}`,
      ...(endpoint === undefined
        ? {}
        : { CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: `${endpoint}/storage/v1/` }),
      ...(parameters.get('anonymous') === 'true'
        ? { CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true' }
        : {}),
    },
    read: `TEMP=$(mktemp)
trap 'rm -f "$TEMP"' EXIT
for try in 0 1 2 3 4; do
  if [ $try -gt 0 ]; then sleep \${try}0; fi
  gcloud storage cp "$PLACE/$FILE_HANDLE" "$TEMP" 1>&2 && break
  if [ $try -eq 4 ]; then exit 1; fi
done
gzip -cdf < "$TEMP"`,
    list: `gcloud storage ls "$PLACE/metadata/" | sed -ne 's#^gs://.*/metadata/\\(..*[^/]\\)$#metadata/\\1#p'`,
  };
}

function azure(url: StorageUrl): Commands {
  const { bucket, parameters } = url;
  const service = (parameters.get('endpoint') ?? `https://${bucket}.blob.core.windows.net`).replace(
    /\/+$/,
    '',
  );
  const path = [url.container, url.prefix].filter((part) => part !== '').join('/');
  const sas =
    parameters.get('anonymous') === 'true'
      ? 'SAS='
      : 'SAS=${AZURE_STORAGE_SAS_TOKEN:-}; SAS=${SAS:+?${SAS#\\?}}  # without a token: the login of azcopy';
  return {
    env: { PLACE: `${service}/${path}` },
    read: `${sas}
azcopy cp --from-to BlobPipe "$PLACE/$FILE_HANDLE$SAS" < /dev/null | gzip -cdf`,
    list: `${sas}
azcopy ls "$PLACE/metadata/$SAS" < /dev/null \\
  | sed -ne 's#^INFO: ##;s#;.*##;s#^\\([^ /]*[.]meta\\)$#metadata/\\1#p'`,
  };
}

function ofFolder(folder: string): Commands {
  return {
    env: { PLACE: folder },
    read: 'gzip -cdf < "$PLACE/$FILE_HANDLE"',
    list: `ls -1 "$PLACE/metadata" | sed 's#^#metadata/#'`,
  };
}

/** A line of the index for each metadata file begins with its name. */
function byIndex(read: string): string {
  return `FILE_HANDLE=${INDEX_FILE}
{
${indented(read, 2)}
} | sed -ne 's#^{"name":"\\([^"]*\\)".*#metadata/\\1#p'`;
}

function placeOf({ bucket, prefix }: StorageUrl): string {
  return prefix === '' ? bucket : `${bucket}/${prefix}`;
}

/** A text of YAML in single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function indented(text: string, by = 4): string {
  return text
    .split('\n')
    .map((line) => `${' '.repeat(by)}${line}`)
    .join('\n');
}
