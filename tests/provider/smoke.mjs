// Drives every flow of the provider and prints the tokens. Run `node smoke.mjs`, or with TRACE=1
// to see every request.

import assert from 'node:assert/strict';

import { Browser, authorize, decode, json, show, tokens } from './smoke-client.mjs';
import {
  API, CLIENTS, MACHINE, advance, control, issuer, jwks, meta, read, signIn, stop,
} from './smoke-setup.mjs';

const HOUR = 3600;
const silver = () => ({ login: 'ada', level: 'silver' });
const gold = () => ({ login: 'ada', level: 'gold' });
const never = () => assert.fail('the provider prompted');

try {
  await run();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
assert.equal(await stop(), 0, 'the provider ends when its stdin closes');
if (!process.exitCode) console.log('\nall flows passed');

async function run() {
  checkDiscovery();
  const browser = new Browser();
  const first = await silverSignIn(browser);
  await goldSignIn();
  await stepUp(browser, first);
  await weakAnswers();
  const session = await refreshAfterAnHour(browser);
  await maxAge(browser);
  await forcedPrompts(browser);
  await otherAlgorithmsAndAudiences(browser);
  await opaque(browser);
  await offline();
  await machine();
  await rotation(browser);
  await changedClient(browser);
  await logout(browser, session);
}

function checkDiscovery() {
  console.log('\n== discovery');
  console.log(JSON.stringify(meta, null, 2));
  assert.equal(meta.issuer, issuer);
  assert.deepEqual(meta.acr_values_supported, ['0', 'silver', 'gold']);
  assert.deepEqual(meta.code_challenge_methods_supported, ['S256']);
  assert.equal(meta.authorization_response_iss_parameter_supported, true);
}

async function silverSignIn(browser) {
  const result = await signIn({ browser, answer: silver });
  show('silver sign-in', result);
  const { access, id, interactions } = result;
  assert.equal(interactions, 1);
  assert.deepEqual(access.header, { alg: 'RS256', typ: 'at+jwt', kid: access.header.kid });
  assert.equal(access.claims.iss, issuer);
  assert.equal(access.claims.sub, 'ada');
  assert.equal(access.claims.aud, API);
  assert.equal(access.claims.client_id, 'web');
  assert.equal(access.claims.acr, 'silver');
  assert.deepEqual(access.claims.amr, ['pwd']);
  assert.ok(access.claims.sid);
  assert.equal(id.claims.aud, 'web');
  assert.equal(id.claims.nonce, 'n-1');
  for (const claim of ['sub', 'acr', 'auth_time', 'sid']) {
    assert.equal(id.claims[claim], access.claims[claim], claim);
  }
  return result;
}

async function goldSignIn() {
  const browser = new Browser();
  const result = await signIn({ browser, query: { acr_values: 'gold' }, answer: gold });
  show('gold sign-in', result);
  assert.equal(result.access.claims.acr, 'gold');
  assert.deepEqual(result.access.claims.amr, ['pwd', 'otp', 'mfa']);
  await signIn({ browser, query: { acr_values: 'silver' }, answer: never });
}

async function stepUp(browser, first) {
  const quiet = await signIn({ browser, query: { acr_values: 'silver' }, answer: never });
  assert.equal(quiet.access.claims.acr, 'silver');
  assert.equal(quiet.access.claims.sid, first.access.claims.sid);
  await advance(60);
  const result = await signIn({ browser, query: { acr_values: 'gold' }, answer: gold });
  show('gold from a silver session, one minute later', result);
  assert.ok(result.access.claims.auth_time >= first.access.claims.auth_time + 60);
  assert.equal(result.interactions, 1);
  assert.equal(result.access.claims.acr, 'gold');
  assert.equal(result.id.claims.acr, 'gold');
  assert.equal(result.access.claims.sid, first.access.claims.sid);
}

async function weakAnswers() {
  const browser = new Browser();
  const flow = (query, answer) =>
    authorize({
      browser, endpoint: meta.authorization_endpoint, client: CLIENTS.web, query, answer,
    });
  await assert.rejects(flow({ acr_values: 'gold' }, silver), /does not meet acr_values=gold/);
  const cancelled = await flow({}, () => ({ abort: '1' }));
  assert.equal(cancelled.callback.error, 'access_denied');
  const unprompted = await flow({ prompt: 'none' }, never);
  assert.equal(unprompted.callback.error, 'login_required');
  console.log('\n== refusals\n', cancelled.callback, unprompted.callback);
}

async function refreshAfterAnHour(browser) {
  const before = await signIn({ browser, answer: never });
  await advance(HOUR);
  const response = await tokens(meta.token_endpoint, CLIENTS.web, {
    grant_type: 'refresh_token',
    refresh_token: before.response.refresh_token,
  });
  const after = { ...(await read(response)), response };
  show('refresh, one hour later', after);
  for (const claim of ['acr', 'amr', 'auth_time', 'sid', 'sub', 'aud', 'client_id']) {
    assert.deepEqual(after.access.claims[claim], before.access.claims[claim], claim);
  }
  assert.equal(after.id.claims.auth_time, before.id.claims.auth_time);
  assert.ok(after.access.claims.iat >= before.access.claims.iat + HOUR);
  return after;
}

async function maxAge(browser) {
  const young = await signIn({ browser, query: { max_age: 2 * HOUR }, answer: never });
  const result = await signIn({ browser, query: { max_age: 300 }, answer: gold });
  show('max_age=300, one hour later', result);
  assert.equal(result.interactions, 1);
  assert.ok(result.access.claims.auth_time >= young.access.claims.auth_time + HOUR);
}

async function forcedPrompts(browser) {
  const login = await signIn({ browser, query: { prompt: 'login' }, answer: gold });
  assert.equal(login.interactions, 1);
}

async function otherAlgorithmsAndAudiences(browser) {
  const es = await signIn({
    browser, client: 'es256', resource: 'https://api-es.example', answer: never,
  });
  show('client es256, resource https://api-es.example', es);
  assert.equal(es.id.header.alg, 'ES256');
  assert.equal(es.access.header.alg, 'ES256');
  const other = await signIn({
    browser, client: 'other', resource: 'https://elsewhere.example', answer: never,
  });
  show('client other, resource https://elsewhere.example', other);
  assert.equal(other.access.claims.aud, 'https://elsewhere.example');
  assert.equal(other.access.claims.client_id, 'other');
  assert.equal(other.id.header.alg, 'RS256');
}

async function opaque(browser) {
  const result = await signIn({ browser, resource: null, answer: never });
  show('without a resource', result);
  assert.equal(typeof result.access, 'string');
  const headers = { authorization: `Bearer ${result.access}` };
  console.log('userinfo:', await json(meta.userinfo_endpoint, { headers }));
}

async function offline() {
  const query = { scope: 'openid offline_access payments:read', prompt: 'consent' };
  const browser = new Browser();
  const result = await signIn({ browser, query, answer: silver });
  show('offline_access with prompt=consent', result);
  assert.equal(result.interactions, 1);
  assert.match(result.access.claims.scope, /offline_access/);
  const again = await signIn({ browser, query, answer: () => ({}) });
  assert.equal(again.interactions, 1);
}

async function machine() {
  const response = await tokens(meta.token_endpoint, MACHINE, {
    grant_type: 'client_credentials', resource: API, scope: 'payments:read',
  });
  const result = { ...(await read(response)), response };
  show('client credentials', result);
  assert.equal(result.access.claims.sub, 'machine');
  assert.equal(result.access.claims.client_id, 'machine');
  assert.equal(result.access.claims.acr, undefined);
  assert.equal(result.access.claims.auth_time, undefined);
}

async function rotation(browser) {
  const before = await signIn({ browser, answer: never });
  const { kids } = await control('rotate', {});
  const after = await signIn({ browser, answer: never });
  console.log('\n== rotation\n', kids);
  assert.equal(kids.length, 4);
  assert.equal(after.access.header.kid, kids[0].kid);
  assert.equal(after.id.header.kid, kids[0].kid);
  assert.notEqual(after.access.header.kid, before.access.header.kid);
  decode(before.response.access_token, await jwks());
  const es = await signIn({
    browser, client: 'es256', resource: 'https://api-es.example', answer: never,
  });
  assert.equal(es.access.header.kid, kids[1].kid);
  assert.equal((await control('rotate', { withdraw: true })).kids.length, 2);
  const withdrawn = await jwks();
  assert.throws(() => decode(after.response.access_token, withdrawn), /is not published/);
}

async function changedClient(browser) {
  const redirect_uri = 'http://127.0.0.1:8080/callback';
  await control('client', { client_id: 'other', redirect_uris: [redirect_uri] });
  CLIENTS.other.redirect_uri = redirect_uri;
  await signIn({ browser, client: 'other', answer: never });
}

async function logout(browser, session) {
  const { response, access } = await signIn({ browser, answer: never });
  const url = new URL(meta.end_session_endpoint);
  url.search = new URLSearchParams({
    id_token_hint: response.id_token,
    post_logout_redirect_uri: 'https://web.example/signed-out',
    state: 's-1',
  });
  const page = await browser.request('GET', url);
  const xsrf = (await page.response.text()).match(/name="xsrf" value="([^"]+)"/)[1];
  const form = { xsrf, logout: 'yes' };
  const done = await browser.request('POST', `${meta.end_session_endpoint}/confirm`, form);
  assert.equal(done.location.href, 'https://web.example/signed-out?state=s-1');
  const sent = await json(`${issuer}/control/logout-tokens`);
  const keys = await jwks();
  const [{ logout_token }] = sent.filter(({ client_id }) => client_id === 'web');
  const token = decode(logout_token, keys);
  console.log('\n== logout');
  console.log('logout token header:', JSON.stringify(token.header));
  console.log('logout token:', JSON.stringify(token.claims));
  assert.equal(token.claims.sid, access.claims.sid);
  assert.equal(token.claims.sid, session.access.claims.sid);
  assert.deepEqual(sent.map(({ client_id }) => client_id).sort(), ['es256', 'other', 'web']);
  await assert.rejects(
    tokens(meta.token_endpoint, CLIENTS.web, {
      grant_type: 'refresh_token', refresh_token: response.refresh_token,
    }),
  );
}
