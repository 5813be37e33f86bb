// oidc-provider on a port of its own, with its own pages, for the tests. Prints its address as one JSON line and ends
// when stdin does. Run it where its packages are installed.

import { webcrypto } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// Node 18, which Debian 12 has, lacks what oidc-provider 9 calls.
URL.parse ??= (...parts) => (URL.canParse(...parts) ? new URL(...parts) : null);
globalThis.crypto ??= webcrypto;

const installed = createRequire(join(process.cwd(), 'package.json'));
const { Provider } = await import(pathToFileURL(installed.resolve('oidc-provider')));

function client(id, authentication, more = {}) {
  return {
    client_id: id,
    client_secret: authentication === 'none' ? undefined : `secret-of-${id}`,
    client_name: 'Device Login',
    token_endpoint_auth_method: authentication,
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    response_types: [],
    redirect_uris: [],
    ...more,
  };
}

const claims = (sub) => ({ sub, email: `${sub}@example.com`, email_verified: true, name: `Person ${sub}` });

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      client('public', 'none'),
      client('hasty', 'none'),
      client('posting', 'client_secret_post'),
      client('basic', 'client_secret_basic'),
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    cookies: { keys: ['of the tests'] },
    features: { deviceFlow: { enabled: true }, revocation: { enabled: true } },
    findAccount: (_, sub) => ({ accountId: sub, claims: () => claims(sub) }),
    rotateRefreshToken: true,
    ttl: {
      DeviceCode: (_, __, client) => (client.clientId === 'hasty' ? 2 : 600),
      AccessToken: 3600,
      Grant: 86400,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: 86400,
      Session: 86400,
    },
  });
  server.on('request', provider.callback());
  console.log(JSON.stringify({ origin: issuer }));
});
process.stdin.resume().on('end', () => process.exit());
