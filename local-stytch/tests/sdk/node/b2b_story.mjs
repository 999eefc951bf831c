// A member's whole story, with the B2B client of Stytch's own Node SDK and a local-stytch that has just started.
//
// It reads the same variables as story.mjs, prints a line for each step and stops at the first failure.

import assert from "node:assert/strict";
import { advance, connectB2B, factors, newest, projectId, refused, totp } from "./support.mjs";

const email_address = "grace@example.com";
const mfa_phone_number = "+12025550143";
const password = "eleven brown otters under Ullapool";
const organization_id = "acme"; // the slug

const stytch = connectB2B();

async function story() {
  const member_id = await createOrganization();
  await setPassword(member_id);
  const pending = await signIn();
  const session = await completeMfa(member_id, pending);
  await validateLocally(session);
  await signInWithCode(member_id);
  const stepped = await addAuthenticator(member_id, session);
  await recover(member_id, stepped.recovery_codes);
  await changeTheOrganization(member_id);
  await signOut(member_id, stepped);
}

async function createOrganization() {
  const create = { organization_name: "Acme", organization_slug: organization_id, mfa_policy: "REQUIRED_FOR_ALL" };
  const { organization } = await stytch.organizations.create(create);
  assert.equal(organization.mfa_policy, "REQUIRED_FOR_ALL");
  await refused(400, "organization_slug_already_used", () => stytch.organizations.create(create));
  await refused(404, "organization_not_found", () => stytch.organizations.get({ organization_id: "bolt" }));
  const { member_id, member } = await stytch.organizations.members.create({ organization_id, email_address, name: "Grace" });
  assert.deepEqual([member.status, member.email_address_verified, member.mfa_enrolled], ["active", false, false]);
  await refused(400, "duplicate_member_email", () =>
    stytch.organizations.members.create({ organization_id, email_address }));
  step("created an organization that requires MFA, and a member");
  return member_id;
}

async function setPassword(member_id) {
  const attempt = { organization_id, email_address, password };
  await refused(404, "member_password_not_found", () => stytch.passwords.authenticate(attempt));
  assert.equal((await stytch.passwords.strengthCheck({ password: "password1" })).valid_password, false);
  await stytch.passwords.email.resetStart({
    organization_id, email_address, reset_password_redirect_url: "http://127.0.0.1/password",
  });
  const password_reset_token = new URL(await newest("link", email_address)).searchParams.get("token");
  await refused(400, "weak_password", () => stytch.passwords.email.reset({ password_reset_token, password: "password1" }));
  const response = await stytch.passwords.email.reset({ password_reset_token, password });
  assert.deepEqual([response.member_id, response.member_authenticated], [member_id, false]);
  assert.equal(response.member.email_address_verified, true);
  await refused(401, "unable_to_auth_password_reset_token", () =>
    stytch.passwords.email.reset({ password_reset_token, password }));
  step("set the password by email, which works once");
}

async function signIn() {
  await refused(401, "unauthorized_credentials", () =>
    stytch.passwords.authenticate({ organization_id, email_address, password: "not it" }));
  const response = await stytch.passwords.authenticate({ organization_id, email_address, password });
  assert.deepEqual([response.member_authenticated, response.session_token, response.member_session], [false, "", null]);
  assert.deepEqual(response.mfa_required, { member_options: null, secondary_auth_initiated: null });
  const session_token = response.intermediate_session_token;
  await refused(404, "session_not_found", () => stytch.sessions.authenticate({ session_token }));
  step("signed in with the password, which is not enough for a session");
  return response;
}

async function completeMfa(member_id, { intermediate_session_token }) {
  const of = { organization_id, member_id };
  await refused(404, "member_phone_number_not_found", () => stytch.otps.sms.send(of));
  await stytch.otps.sms.send({ ...of, mfa_phone_number, intermediate_session_token });
  const code = await newest("code", mfa_phone_number);
  const wrong = `${(Number(code) + 1) % 1_000_000}`.padStart(6, "0");
  await refused(404, "otp_code_not_found", () =>
    stytch.otps.sms.authenticate({ ...of, code: wrong, intermediate_session_token }));
  await refused(400, "no_session_arguments", () => stytch.otps.sms.authenticate({ ...of, code }));
  const response = await stytch.otps.sms.authenticate({ ...of, code, intermediate_session_token });
  assert.deepEqual(factors(response.member_session), ["otp/sms", "password/knowledge"]);
  assert.deepEqual([response.member.mfa_enrolled, response.member.default_mfa_method], [true, "sms_otp"]);
  await refused(404, "intermediate_session_not_found", () =>
    stytch.otps.sms.authenticate({ ...of, code, intermediate_session_token }));
  step("completed MFA with a code by text message; the intermediate session token works once");
  return response;
}

async function validateLocally({ session_jwt, member_id, member_session, organization }) {
  const session = await stytch.sessions.authenticateJwtLocal({ session_jwt });
  assert.deepEqual([session.member_id, session.member_session_id], [member_id, member_session.member_session_id]);
  assert.deepEqual([session.organization_id, session.organization_slug], [organization.organization_id, "acme"]);
  assert.deepEqual(session.roles, ["stytch_member"]);
  assert.deepEqual(factors(session), factors(member_session));
  assert.equal((await stytch.sessions.getJWKS({ project_id: projectId })).keys.length, 1);
  step("the SDK validated the session JWT itself");
}

async function signInWithCode(member_id) {
  const pending = await stytch.passwords.authenticate({ organization_id, email_address, password });
  assert.deepEqual(pending.mfa_required, {
    member_options: { mfa_phone_number, totp_registration_id: "" }, secondary_auth_initiated: "sms_otp",
  });
  const { intermediate_session_token } = pending;
  const code = await newest("code", mfa_phone_number);
  const { session_token } = await stytch.otps.sms.authenticate({
    organization_id, member_id, code, intermediate_session_token, session_duration_minutes: 5,
  });
  await stytch.sessions.revoke({ session_token });
  step("the next sign-in sent a code at once");
}

async function addAuthenticator(member_id, { session_token }) {
  const of = { organization_id, member_id };
  await refused(401, "insufficient_factors", () => stytch.totps.create(of));
  const created = await stytch.totps.create({ ...of, session_token });
  const code = await totp(created.secret);
  const response = await stytch.totps.authenticate({ ...of, code, session_token, set_default_mfa: true });
  assert.deepEqual(factors(response.member_session), ["otp/sms", "password/knowledge", "totp/authenticator_app"]);
  assert.equal(response.member.totp_registration_id, created.totp_registration_id);
  assert.equal(response.member.default_mfa_method, "totp");
  const again = { ...of, code, session_token: response.session_token };
  await refused(401, "totp_code_already_authenticated", () => stytch.totps.authenticate(again));
  step("added an authenticator app, for which a session with the phone is needed");
  return { ...response, recovery_codes: created.recovery_codes };
}

async function recover(member_id, recovery_codes) {
  const of = { organization_id, member_id };
  assert.deepEqual((await stytch.recoveryCodes.get(of)).recovery_codes, recovery_codes);
  const { intermediate_session_token, mfa_required } =
    await stytch.passwords.authenticate({ organization_id, email_address, password });
  assert.equal(mfa_required.secondary_auth_initiated, null);
  const recovered = await stytch.recoveryCodes.recover({
    ...of, recovery_code: recovery_codes[0], intermediate_session_token,
  });
  assert.deepEqual(factors(recovered.member_session), ["password/knowledge", "recovery_codes/recovery_code"]);
  assert.equal(recovered.recovery_codes_remaining, 9);
  assert.equal((await stytch.recoveryCodes.rotate(of)).recovery_codes.length, 10);
  await stytch.sessions.revoke({ member_session_id: recovered.member_session.member_session_id });
  step("a recovery code completed MFA");
}

async function changeTheOrganization(member_id) {
  const { organization } = await stytch.organizations.update({ organization_id, mfa_policy: "OPTIONAL" });
  assert.equal(organization.mfa_policy, "OPTIONAL");
  const { member } = await stytch.organizations.members.update({ organization_id, member_id, mfa_enrolled: false });
  assert.equal(member.mfa_enrolled, false);
  const response = await stytch.passwords.authenticate({ organization_id, email_address, password });
  assert.deepEqual([response.member_authenticated, response.intermediate_session_token], [true, ""]);
  assert.deepEqual(factors(response.member_session), ["password/knowledge"]);
  await stytch.sessions.revoke({ session_token: response.session_token });
  const operands = [{ filter_name: "organization_slugs", filter_value: ["acme"] }];
  const found = await stytch.organizations.search({ query: { operator: "AND", operands } });
  assert.equal(found.results_metadata.total, 1);
  step("without the policy and the enrollment, the password is enough for a session");
}

async function signOut(member_id, { session_token, session_jwt }) {
  await advance(60);
  const query = { operator: "AND", operands: [{ filter_name: "member_emails", filter_value: [email_address] }] };
  const { members } = await stytch.organizations.members.search({ organization_ids: [organization_id], query });
  assert.deepEqual(members.map((member) => member.member_id), [member_id]);
  const renewed = await stytch.sessions.authenticate({ session_token, session_duration_minutes: 30 });
  const listed = async () => (await stytch.sessions.get({ organization_id, member_id })).member_sessions;
  assert.deepEqual((await listed()).map((session) => session.member_session_id), [renewed.member_session.member_session_id]);
  await stytch.sessions.revoke({ member_id });
  await refused(404, "session_not_found", () => stytch.sessions.authenticate({ session_token }));
  await refused(404, "session_not_found", () => stytch.sessions.authenticate({ session_jwt }));
  assert.deepEqual(await listed(), []);
  await stytch.organizations.members.deleteTOTP({ organization_id, member_id });
  await stytch.organizations.members.deleteMFAPhoneNumber({ organization_id, member_id });
  await stytch.organizations.members.delete({ organization_id, member_id });
  await refused(404, "member_not_found", () => stytch.organizations.members.get({ organization_id, member_id }));
  await stytch.organizations.delete({ organization_id });
  step("revoked the session and deleted the member and the organization");
}

function step(what) {
  console.log(what);
}

await story();
