// Starts the provider for smoke.mjs and signs in at it.

import assert from 'node:assert/strict';

import { authorize, decode, json, post, redeem, start } from './smoke-client.mjs';

export const API = 'https://api.example';
export const CLIENTS = Object.fromEntries(
  ['web', 'other', 'es256'].map((client_id) => [
    client_id,
    { client_id, redirect_uri: `https://${client_id}.example/callback` },
  ]),
);
CLIENTS.other.client_secret = 'other-secret';
export const MACHINE = { client_id: 'machine', client_secret: 'machine-secret' };

export const { issuer, stop } = await start();
export const meta = await json(`${issuer}/.well-known/openid-configuration`);
export const jwks = () => json(meta.jwks_uri);
export const control = (name, body) => post(`${issuer}/control/${name}`, body);

let offset = 0;
/** Moves the provider's clock forward. */
export const advance = (seconds) => control('clock', { offset: (offset += seconds) });

/** Runs the code flow and returns its tokens, decoded and with checked signatures. */
export async function signIn({ browser, client = 'web', resource = API, query, answer, more }) {
  const registered = CLIENTS[client];
  const flow = await authorize({
    browser,
    endpoint: meta.authorization_endpoint,
    client: registered,
    query: { ...(resource && { resource }), ...query },
    answer,
  });
  assert.equal(flow.callback.iss, issuer);
  const response = await redeem({
    endpoint: meta.token_endpoint, client: registered, ...flow, more,
  });
  return { ...flow, ...(await read(response)), response };
}

/** Decodes the tokens of a token response. */
export async function read(response) {
  const keys = await jwks();
  const jwt = response.access_token.includes('.');
  return {
    access: jwt ? decode(response.access_token, keys) : response.access_token,
    id: response.id_token && decode(response.id_token, keys),
  };
}
