/** Where the blobs of a storage are. */
export interface AzurePlace {
  account: string;
  container: string;
  /** Folders in the container with `/` between them; '' for none. */
  prefix: string;
  /** The blob service of the account, without a slash at its end; undefined: that of Azure's public cloud. */
  endpoint: string | undefined;
  /** Asks without credentials. */
  anonymous: boolean;
}

/** For messages. */
export function describePlace(place: AzurePlace): string {
  const at = place.endpoint === undefined ? '' : ` at ${place.endpoint}`;
  return `container ${urlOf(place)}${at}`;
}

/** Equal for the same blobs. */
export function identifyPlace(place: AzurePlace): string {
  return place.endpoint === undefined ? urlOf(place) : `${urlOf(place)}?endpoint=${place.endpoint}`;
}

function urlOf({ account, container, prefix }: AzurePlace): string {
  return `azblob://${account}/${container}${prefix && `/${prefix}`}`;
}
