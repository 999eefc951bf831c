import { randomBytes } from 'node:crypto';

import { createMemoryAdapter, errors, interactionPolicy } from './internals.mjs';
import { ACR_VALUES, satisfies } from './levels.mjs';

const HOUR = 3600;
const DAY = 24 * HOUR;

const RESOURCE_SCOPE = 'payments:read payments:write openid offline_access';
const RESOURCES = new Map([
  ['https://api.example', 'RS256'],
  ['https://api-es.example', 'ES256'],
  ['https://elsewhere.example', 'RS256'],
]);

/**
 * Returns the provider's configuration. `accounts` is the set of known subjects. If `levels.voluntary`
 * is true, a user who was asked for a level may prove a lower one.
 */
export function configuration({ keys, clients, accounts, levels }) {
  return {
    jwks: { keys },
    adapter: adapterWith(clients),
    cookies: { keys: [randomBytes(32).toString('hex')] },
    acrValues: ACR_VALUES,
    claims: { openid: ['sub', 'acr', 'amr', 'auth_time'] },
    extraTokenClaims,
    findAccount: (_ctx, sub) =>
      accounts.has(sub) ? { accountId: sub, claims: () => ({ sub }) } : undefined,
    interactions: {
      policy: policy(levels),
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    loadExistingGrant: grantEverything,
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    fetch: fetchLoopback,
    clientBasedCORS: () => false,
    renderError(ctx, out) {
      ctx.body = out;
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // Without `resource` in a token request, the token is for the resource of the
        // authorization request.
        useGrantedResource: () => true,
        getResourceServerInfo: resourceServer,
      },
      rpInitiatedLogout: {
        logoutSource(ctx, form) {
          ctx.body = form;
        },
        postLogoutSuccessSource(ctx) {
          ctx.body = 'signed out';
        },
      },
    },
    ttl: {
      AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? HOUR,
      AuthorizationCode: 60,
      ClientCredentials: HOUR,
      Grant: 14 * DAY,
      IdToken: HOUR,
      Interaction: HOUR,
      RefreshToken: 14 * DAY,
      Session: 14 * DAY,
    },
  };
}

/** Keeps everything in memory, except that clients come from a map that tests may change. */
function adapterWith(clients) {
  const memory = createMemoryAdapter();
  return (model) =>
    model === 'Client' ? { find: async (id) => clients.get(id) } : memory(model);
}

function resourceServer(_ctx, resource) {
  const alg = RESOURCES.get(resource);
  if (!alg) throw new errors.InvalidTarget();
  return {
    scope: RESOURCE_SCOPE,
    audience: resource,
    accessTokenFormat: 'jwt',
    accessTokenTTL: HOUR,
    jwt: { sign: { alg } },
  };
}

/**
 * States the user's sign-in in the access token. The claims come from the authorization code or
 * the refresh token, so that a refresh does not make `auth_time` younger.
 */
function extraTokenClaims(ctx, token) {
  if (token.kind !== 'AccessToken') return undefined;
  const { AuthorizationCode, RefreshToken } = ctx.oidc.entities;
  const source = RefreshToken ?? AuthorizationCode;
  if (!source) return undefined;
  const { acr, amr, authTime: auth_time, sid } = source;
  return { acr, amr, auth_time, sid };
}

/** Adds a check to the default policy: the session's level has to meet `acr_values`. */
function policy(levels) {
  const { base, Check } = interactionPolicy;
  const prompts = base();
  prompts.get('login').checks.add(
    new Check(
      'acr_values',
      'the session does not have the requested level',
      ({ oidc }) =>
        !satisfies(oidc.session.acr, oidc.params.acr_values) &&
        !(levels.voluntary && oidc.result?.login),
      ({ oidc }) => ({ acr_values: oidc.params.acr_values }),
    ),
  );
  return prompts;
}

/** Grants all requested scopes, so that only `prompt=consent` asks for consent. */
async function grantEverything({ oidc }) {
  const { Grant } = oidc.provider;
  const { clientId } = oidc.client;
  const { accountId } = oidc.session;
  const id = oidc.session.grantIdFor(clientId);
  const grant = (id && (await Grant.find(id))) || new Grant({ clientId, accountId });
  grant.addOIDCScope([...oidc.requestParamOIDCScopes]);
  for (const [resource, server] of Object.entries(oidc.resourceServers)) {
    const scopes = [...oidc.requestParamScopes].filter((scope) => server.scopes.has(scope));
    grant.addResourceScope(resource, scopes);
  }
  await grant.save();
  return grant;
}

/** Calls loopback addresses only. The provider's own dispatcher forbids exactly those. */
async function fetchLoopback(url, { dispatcher: _forbidsLoopback, ...options }) {
  const { hostname } = new URL(url);
  if (!['127.0.0.1', '[::1]', 'localhost'].includes(hostname)) {
    throw new Error(`the host ${hostname} is not a loopback address`);
  }
  return fetch(url, options);
}
