import type { AnonymousCredential, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { TokenCredential } from '@azure/identity';
import { StorageError } from '../storage-error.js';
import { identityOfProcess } from './azure-identity.js';
import type { AzurePlace } from './azure-place.js';

/** How requests are signed, and where they go. Holds secrets. */
export interface AzureAccess {
  /** Of the account's blob service, without a slash at its end. */
  endpoint: string;
  credential: StorageSharedKeyCredential | TokenCredential | AnonymousCredential;
  /** A SAS token without its question mark. */
  sas: string | undefined;
}

const CONNECTION = 'AZURE_STORAGE_CONNECTION_STRING';
const KEY = 'AZURE_STORAGE_KEY';
const SAS = 'AZURE_STORAGE_SAS_TOKEN';

/** Where the credentials for a place come from, for messages. */
export function sourceOf({ anonymous }: AzurePlace, env: NodeJS.ProcessEnv): string {
  if (anonymous) return 'no credentials (anonymous=true)';
  const variable = [CONNECTION, KEY, SAS].find((name) => env[name]);
  return variable ?? 'the default credentials of Azure';
}

/**
 * The credentials that the Azure CLI and the SDKs take, in the order of the CLI: a connection string, an account key,
 * a SAS token, and then what `DefaultAzureCredential` finds: variables, a workload or managed identity, a login.
 * @throws StorageError DENIED when the connection string cannot be used
 */
export async function azureAccess(place: AzurePlace, env: NodeJS.ProcessEnv): Promise<AzureAccess> {
  const blob = await import('@azure/storage-blob');
  const { account } = place;
  const unsigned = new blob.AnonymousCredential();
  const connection = place.anonymous || !env[CONNECTION] ? undefined : fieldsOf(env[CONNECTION]);
  const endpoint =
    place.endpoint ?? connection?.endpoint ?? `https://${account}.blob.core.windows.net`;
  if (place.anonymous) return { endpoint, credential: unsigned, sas: undefined };
  if (connection?.account !== undefined && connection.account !== account) {
    const why = `${CONNECTION} names the account ${connection.account}, but the storage is in the account ${account}; correct one of them`;
    throw new StorageError('DENIED', '', why);
  }
  const key = connection ? connection.key : env[KEY];
  const sas = connection ? connection.sas : env[SAS];
  if (key) {
    const credential = new blob.StorageSharedKeyCredential(account, key);
    return { endpoint, credential, sas: undefined };
  }
  if (sas) return { endpoint, credential: unsigned, sas: sas.trim().replace(/^\?/, '') };
  if (connection) {
    const why = `${CONNECTION} has neither AccountKey nor SharedAccessSignature; copy it again from the access keys of the account ${account}`;
    throw new StorageError('DENIED', '', why);
  }
  return { endpoint, credential: await identityOfProcess(), sas: undefined };
}

/** The fields of a connection string, with `;` between them. Values may contain `=`. */
function fieldsOf(text: string) {
  const fields = new Map<string, string>();
  for (const part of text.split(';')) {
    const at = part.indexOf('=');
    if (at > 0) fields.set(part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim());
  }
  const account = fields.get('accountname');
  const suffix = fields.get('endpointsuffix');
  const protocol = fields.get('defaultendpointsprotocol') ?? 'https';
  const ofSuffix = account && suffix ? `${protocol}://${account}.blob.${suffix}` : undefined;
  return {
    account,
    key: fields.get('accountkey'),
    sas: fields.get('sharedaccesssignature'),
    endpoint: fields.get('blobendpoint')?.replace(/\/+$/, '') ?? ofSuffix,
  };
}
