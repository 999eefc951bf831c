// A user's whole story, with Stytch's own Node SDK and a local-stytch that has just started.
//
// It reads STYTCH_BASE_URL, STYTCH_PROJECT_ID, STYTCH_SECRET and STYTCH_NODE_MODULES. It prints a line for each step
// and stops at the first failure.

import assert from "node:assert/strict";
import { changeAccount } from "./accounts.mjs";
import {
  advance, age, connect, email, factors, newest, now, password, projectId, refused, refusedLocally, rotateKeys,
  session_duration_minutes, step, totp,
} from "./support.mjs";

const phone_number = "+12025550143";

const stytch = connect();

async function story() {
  const signedUp = await signUp();
  const signedIn = await signIn(signedUp);
  const emailVerified = await verifyEmail(signedIn);
  const phoneAdded = await addPhone(emailVerified);
  await validateLocally(emailVerified, phoneAdded);
  await ageSession(phoneAdded);
  await refuseBadRequests();
  await outliveTheGrace([signedUp, signedIn, emailVerified], phoneAdded);
  const renewed = await renew(phoneAdded);
  const appAdded = await addAuthenticator(renewed);
  await outliveTheKeys(appAdded);
  await followMagicLink();
  await signOut(appAdded);
  await changeAccount(appAdded);
}

async function signUp() {
  await refused(400, "weak_password", () => stytch.passwords.create({ email, password: "password1" }));
  const response = await stytch.passwords.create({
    email, password, name: { first_name: "Grace" }, session_duration_minutes,
  });
  assert.equal(response.status_code, 200);
  assert.deepEqual(factors(response.session), ["password/knowledge"]);
  assert.equal(response.user.name.first_name, "Grace");
  assert.equal(response.user.emails[0].verified, false);
  await refused(400, "duplicate_email", () => stytch.passwords.create({ email, password }));
  step("created a user with a password; neither a weak one nor a second user was accepted");
  return response;
}

async function signIn({ session_token, session }) {
  await refused(401, "unauthorized_credentials", () => stytch.passwords.authenticate({ email, password: "not it" }));
  assert.equal((await stytch.passwords.authenticate({ email, password })).session_token, "");
  const response = await stytch.passwords.authenticate({ email, password, session_token, session_duration_minutes });
  assert.deepEqual(factors(response.session), ["password/knowledge"]);
  assert.notEqual(response.session.session_id, session.session_id);
  step("signed in with the password; without a duration there is no session");
  return response;
}

async function verifyEmail({ session_token, session }) {
  await refused(400, "too_many_unverified_factors", () => stytch.otps.sms.send({ phone_number, session_token }));
  const { email_id } = await stytch.otps.email.send({ email, session_token });
  const code = await newest("code", email);
  const response = await stytch.otps.authenticate({ method_id: email_id, code, session_token, session_duration_minutes });
  assert.deepEqual(factors(response.session), ["otp/email", "password/knowledge"]);
  assert.notEqual(response.session.session_id, session.session_id);
  assert.equal((await stytch.users.get({ user_id: response.user_id })).emails[0].verified, true);
  step("verified the email by its code, which had to come before a phone number: two factors");
  return response;
}

async function addPhone({ session_token, session, user_id }) {
  const sent = await stytch.otps.sms.send({ phone_number, session_token });
  assert.equal(sent.user_id, user_id);
  const method_id = sent.phone_id;
  const code = await newest("code", phone_number);
  const wrong = `${(Number(code) + 1) % 1_000_000}`.padStart(6, "0");
  await refused(404, "otp_code_not_found", () => stytch.otps.authenticate({ method_id, code: wrong }));
  const response = await stytch.otps.authenticate({ method_id, code, session_token, session_duration_minutes });
  assert.deepEqual(factors(response.session), ["otp/email", "otp/sms", "password/knowledge"]);
  assert.notEqual(response.session.session_id, session.session_id);
  assert.equal(response.user.phone_numbers[0].verified, true);
  await refused(401, "unable_to_auth_otp_code", () => stytch.otps.authenticate({ method_id, code }));
  step("added the phone by its code; neither a wrong code nor a used one was accepted: three factors");
  return response;
}

async function validateLocally(before, current) {
  const { session_jwt } = current;
  const session = await stytch.sessions.authenticateJwtLocal({ session_jwt });
  assert.deepEqual([session.user_id, session.session_id], [current.user_id, current.session.session_id]);
  assert.deepEqual(factors(session), factors(current.session));
  // The SDK returns no request id if it made no request.
  assert.equal((await stytch.sessions.authenticateJwt({ session_jwt })).request_id, undefined);
  const asked = await stytch.sessions.authenticateJwt({ session_jwt, max_token_age_seconds: 0 });
  assert.match(asked.request_id, /^request-id-test-/);
  const [header, claims] = before.session_jwt.split(".");
  const forged = [header, claims, session_jwt.split(".")[2]].join(".");
  await refusedLocally("ERR_JWS_SIGNATURE_VERIFICATION_FAILED", () =>
    stytch.sessions.authenticateJwtLocal({ session_jwt: forged }));
  await refused(400, "unable_to_parse_session_jwt", () => stytch.sessions.authenticateJwt({ session_jwt: forged }));
  step("the SDK validated the session JWT itself and refused a forged one");
}

async function ageSession({ session_token, session }) {
  const { session_id } = session;
  assert.equal((await age(session_id, 600)).session_id, session_id);
  const { session_jwt } = await stytch.sessions.authenticate({ session_token });
  // This process has the system's clock, and the new JWT is valid here.
  const aged = await stytch.sessions.authenticateJwtLocal({ session_jwt });
  const proved = ({ authentication_factors }) => authentication_factors.map((it) => Date.parse(it.last_authenticated_at));
  const before = proved(session);
  proved(aged).forEach((at, index) => assert.equal(before[index] - at, 600_000));
  step("made the session ten minutes older; its new JWT is valid by this machine's clock");
}

async function refuseBadRequests() {
  await refused(400, "invalid_phone_number", () => stytch.otps.sms.send({ phone_number: "12" }));
  const session_token = "no such token";
  await refused(404, "session_not_found", () => stytch.sessions.authenticate({ session_token }));
  await refused(400, "no_session_arguments", () => stytch.sessions.authenticate({}));
  const user_id = "user-test-00000000-0000-0000-0000-000000000000";
  await refused(404, "user_not_found", () => stytch.users.get({ user_id }));
  await refused(401, "unauthorized_credentials", () => connect("secret-test-wrong").users.search({}));
  const { phone_id: method_id } = await stytch.otps.sms.send({ phone_number });
  const code = await newest("code", phone_number);
  await advance(180);
  await refused(401, "unable_to_auth_otp_code", () => stytch.otps.authenticate({ method_id, code }));
  step("bad requests, a wrong secret and an expired code raise the SDK's own exception");
}

async function outliveTheGrace(replaced, current) {
  for (const { session_token, session_jwt, session } of replaced) {
    await refused(404, "session_not_found", () => stytch.sessions.authenticate({ session_token }));
    // A JWT is a snapshot. It outlives its session by up to five minutes.
    const { session_id } = await stytch.sessions.authenticateJwtLocal({ session_jwt });
    assert.equal(session_id, session.session_id);
  }
  assert.deepEqual(await listed(current.user_id), [current.session.session_id]);
  step("after the grace the earlier sessions are refused, and only the current one is listed");
}

async function renew({ session_jwt, session }) {
  await advance(300);
  const session_custom_claims = { plan: "gold" };
  const response = await stytch.sessions.authenticate({ session_jwt, session_custom_claims });
  assert.equal(response.session.session_id, session.session_id);
  // According to this machine's clock, the new JWT was issued in the future.
  const fresh = { session_jwt: response.session_jwt };
  await refusedLocally("ERR_JWT_CLAIM_VALIDATION_FAILED", () => stytch.sessions.authenticateJwtLocal(fresh));
  const valid = await stytch.sessions.authenticateJwtLocal({ ...fresh, current_date: await now() });
  assert.deepEqual(valid.custom_claims, session_custom_claims);
  step("an expired JWT was exchanged for a fresh one, which is valid by the server's clock and carries a custom claim");
  return response;
}

async function addAuthenticator({ session_token, user: { user_id } }) {
  const created = await stytch.totps.create({ user_id });
  const totp_code = await totp(created.secret);
  const response = await stytch.totps.authenticate({ user_id, totp_code, session_token, session_duration_minutes });
  assert.deepEqual(factors(response.session), ["otp/email", "otp/sms", "password/knowledge", "totp/authenticator_app"]);
  await refused(401, "totp_code_already_authenticated", () => stytch.totps.authenticate({ user_id, totp_code }));
  const spare = (await stytch.totps.recoveryCodes({ user_id })).totps[0].recovery_codes;
  assert.deepEqual(spare, created.recovery_codes);
  const recovered = await stytch.totps.recover({ user_id, recovery_code: spare[0], session_duration_minutes });
  assert.deepEqual(factors(recovered.session), ["recovery_codes/recovery_code"]);
  await stytch.sessions.revoke({ session_id: recovered.session.session_id });
  step("added an authenticator app, each of whose codes works once: four factors; a recovery code signs in too");
  return response;
}

async function outliveTheKeys(before) {
  const published = async () => (await stytch.sessions.getJWKS({ project_id: projectId })).keys.map(({ kid }) => kid);
  const oldKeys = await published();
  await rotateKeys();
  const keys = await published();
  assert.deepEqual(keys.filter((kid) => oldKeys.includes(kid)).sort(), oldKeys.sort());
  assert.equal(keys.length, oldKeys.length + 1);
  const response = await stytch.sessions.authenticate({ session_token: before.session_token });
  // A client that has just fetched keys waits half a minute before it fetches again. A new client does not wait.
  for (const { session_jwt } of [before, response]) {
    const { session_id } = await connect().sessions.authenticateJwtLocal({ session_jwt, current_date: await now() });
    assert.equal(session_id, before.session.session_id);
  }
  step("after a rotation the JWTs of both keys are valid");
}

async function followMagicLink() {
  await stytch.magicLinks.email.send({ email, login_magic_link_url: "http://127.0.0.1/signed-in" });
  const token = new URL(await newest("link", email)).searchParams.get("token");
  const response = await stytch.magicLinks.authenticate({ token, session_duration_minutes });
  assert.deepEqual(factors(response.session), ["magic_link/email"]);
  await stytch.sessions.revoke({ session_token: response.session_token });
  step("signed in with a magic link, and out again");
}

async function signOut({ user_id, session_token, session_jwt, session: { session_id } }) {
  const operands = [{ filter_name: "email_address", filter_value: [email] }];
  const { results } = await stytch.users.search({ query: { operator: "AND", operands } });
  assert.deepEqual(results.map((user) => user.user_id), [user_id]);
  await advance(60);
  assert.deepEqual(await listed(user_id), [session_id]);
  await stytch.sessions.revoke({ session_id });
  await refused(404, "session_not_found", () => stytch.sessions.authenticate({ session_token }));
  await refused(404, "session_not_found", () => stytch.sessions.authenticate({ session_jwt }));
  assert.deepEqual(await listed(user_id), []);
  step("revoked the session; its token and JWT are refused");
}

async function listed(user_id) {
  return (await stytch.sessions.get({ user_id })).sessions.map((session) => session.session_id);
}

await story();
