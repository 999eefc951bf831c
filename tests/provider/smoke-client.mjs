// A program that signs in over HTTP, as smoke.mjs needs it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const trace = process.env.TRACE ? (...words) => console.log('   ', ...words) : () => {};

/** Starts the provider. Returns its issuer and a function that ends it and returns its status. */
export async function start() {
  const program = fileURLToPath(new URL('provider.mjs', import.meta.url));
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, 'line'), ended]);
  const [, issuer] = String(line).match(/^issuer (http:\/\/127\.0\.0\.1:\d+)$/);
  const stop = async () => {
    child.stdin.end();
    const [status] = await ended;
    return status;
  };
  return { issuer, stop };
}

export async function json(url, options) {
  const response = await fetch(url, options);
  assert.equal(response.status, 200, `${url}: ${response.status}`);
  return response.json();
}

export function post(url, body) {
  return json(url, { method: 'POST', body: JSON.stringify(body) });
}

/** A browser: cookies by name only, and no redirect that it follows by itself. */
export class Browser {
  #cookies = new Map();

  async request(method, url, form) {
    const sent = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: sent ? { cookie: sent } : {},
      body: form && new URLSearchParams(form),
    });
    trace(method, String(url), form ? JSON.stringify(form) : '', '| sent', [...this.#cookies.keys()].join());
    trace('  ->', response.status, response.headers.get('location') ?? '');
    for (const cookie of response.headers.getSetCookie()) {
      trace('     set-cookie:', cookie);
      const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(cookie)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    const location = response.headers.get('location');
    return { response, location: location && new URL(location, url) };
  }
}

/**
 * Runs the code flow. `answer` is called for each interaction page and returns its form. Returns
 * the parameters of the callback and the number of interactions.
 */
export async function authorize({ browser, endpoint, client, query = {}, answer }) {
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(8).toString('hex');
  const url = new URL(endpoint);
  url.search = new URLSearchParams({
    client_id: client.client_id,
    response_type: 'code',
    redirect_uri: client.redirect_uri,
    scope: 'openid payments:read payments:write',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state,
    nonce: 'n-1',
    ...query,
  });
  let interactions = 0;
  let { response, location } = await browser.request('GET', url);
  while (location && !location.href.startsWith(client.redirect_uri)) {
    if (location.pathname.startsWith('/interaction/')) {
      interactions += 1;
      assert.equal((await browser.request('GET', location)).response.status, 200);
      ({ response, location } = await browser.request('POST', location, answer(interactions)));
    } else {
      ({ response, location } = await browser.request('GET', location));
    }
  }
  assert.ok(location, `no redirect: ${response.status} ${await response.text()}`);
  const callback = Object.fromEntries(location.searchParams);
  assert.equal(callback.state, state);
  return { callback, verifier, interactions };
}

export function redeem({ endpoint, client, callback, verifier, more = {} }) {
  return tokens(endpoint, client, {
    grant_type: 'authorization_code',
    code: callback.code,
    redirect_uri: client.redirect_uri,
    code_verifier: verifier,
    ...more,
  });
}

export function tokens(endpoint, { client_id, client_secret }, form) {
  const body = new URLSearchParams({ client_id, ...form });
  if (client_secret) body.set('client_secret', client_secret);
  trace('POST', endpoint, body.toString());
  return json(endpoint, { method: 'POST', body });
}

/** Checks the signature with a published key and returns the header and the claims. */
export function decode(token, jwks) {
  const [header, payload, signature] = token.split('.');
  const part = (text) => JSON.parse(Buffer.from(text, 'base64url'));
  const { kid, alg } = part(header);
  const jwk = jwks.keys.find((key) => key.kid === kid);
  assert.ok(jwk, `the key ${kid} is not published`);
  assert.equal(jwk.alg, alg);
  const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
  const bytes = Buffer.from(signature, 'base64url');
  assert.ok(verify('sha256', Buffer.from(`${header}.${payload}`), key, bytes));
  return { header: part(header), claims: part(payload) };
}

/** Prints the tokens of a response. */
export function show(title, { access, id, response, interactions }) {
  console.log(`\n== ${title}`);
  if (interactions !== undefined) console.log('interactions:', interactions);
  if (response) console.log('token response:', Object.keys(response).join(' '));
  for (const [name, token] of Object.entries({ 'access token': access, 'id token': id })) {
    if (token?.header) console.log(`${name} header:`, JSON.stringify(token.header));
    if (token) console.log(`${name}:`, JSON.stringify(token.claims ?? token));
  }
}
