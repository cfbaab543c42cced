const URL_IN_TEXT = /([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/?#"'@]*@)?([^\s?#"']*)(\?[^\s#"']*)?/gi;
const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL/i;
const LEAST_SECRET = 6;

/**
 * Removes secrets from a text before it is shown or written to a file: credentials and queries of URLs,
 * and the values of environment variables with names such as TOKEN or PASSWORD. Values of fewer than
 * six characters stay: they would match ordinary words.
 */
export function withoutSecrets(text: string, env: NodeJS.ProcessEnv): string {
  let clean = text.replaceAll(
    URL_IN_TEXT,
    (_, scheme: string, rest: string, query?: string) => `${scheme}${rest}${query ? '?...' : ''}`,
  );
  for (const [name, value] of Object.entries(env)) {
    if (!SECRET_NAME.test(name) || !value || value.length < LEAST_SECRET) continue;
    clean = clean.replaceAll(value, '***');
  }
  return clean;
}
