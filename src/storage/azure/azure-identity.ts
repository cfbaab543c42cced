import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/identity';

/** A token is used until so long before its end, where nothing says when to renew it. */
const EARLY_MS = 5 * 60_000;

/** Of this process. */
let identity: Promise<TokenCredential> | undefined;

/**
 * What Azure's default chain finds. All storages of this process share it, because each activity opens its storage
 * anew, and to find a token takes requests, or a run of `az`.
 */
export function identityOfProcess(): Promise<TokenCredential> {
  identity ??= find();
  identity.catch(() => (identity = undefined));
  return identity;
}

/** Storages that are opened from now on get a new token. */
export function forgetIdentity(): void {
  identity = undefined;
}

async function find(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new RememberedTokens(new DefaultAzureCredential());
}

class RememberedTokens implements TokenCredential {
  private readonly tokens = new Map<string, AccessToken>();

  constructor(private readonly inner: TokenCredential) {}

  async getToken(scopes: string | string[], options: GetTokenOptions = {}) {
    const { tenantId, claims } = options;
    const key = JSON.stringify([scopes, tenantId, claims]);
    const known = this.tokens.get(key);
    if (known && Date.now() < goodUntil(known)) return known;
    const token = await this.inner.getToken(scopes, options);
    if (token) this.tokens.set(key, token);
    return token;
  }
}

function goodUntil({ expiresOnTimestamp, refreshAfterTimestamp }: AccessToken): number {
  return Math.min(refreshAfterTimestamp ?? Infinity, expiresOnTimestamp - EARLY_MS);
}
