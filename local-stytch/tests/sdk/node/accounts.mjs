// The end of the story: changes of the user, password resets, deletion, failures, and a new start.

import assert from "node:assert/strict";
import {
  age, connect, dropped, email, factors, failNext, logged, newest, password, refused, reset as startOver,
  session_duration_minutes, step,
} from "./support.mjs";

const stytch = connect();

export async function changeAccount(current) {
  await changeUser(current);
  await resetPassword();
  await deleteFactorsAndUser(current);
  await surviveFailures();
  await startAgain();
}

async function changeUser({ user_id }) {
  const response = await stytch.users.update({
    user_id, name: { last_name: "Hopper" }, untrusted_metadata: { theme: "dark" }, external_id: "grace-1",
  });
  assert.deepEqual([response.user.name.first_name, response.user.name.last_name], ["Grace", "Hopper"]);
  assert.deepEqual(response.user.untrusted_metadata, { theme: "dark" });
  const nobody = "user-test-00000000-0000-0000-0000-000000000000";
  await refused(404, "user_not_found", () => stytch.users.update({ user_id: nobody }));
  step("changed the user's name and metadata");
}

async function resetPassword() {
  const [first, second, third] = ["nine brown", "four grey", "two quick"].map((which) => `${which} herons over Lowestoft`);
  const byEmail = stytch.passwords.email;
  await byEmail.resetStart({ email, reset_password_redirect_url: "http://127.0.0.1/reset" });
  const link = new URL(await newest("link", email)).searchParams;
  assert.equal(link.get("stytch_token_type"), "reset_password");
  const token = link.get("token");
  await refused(400, "weak_password", () => byEmail.reset({ token, password: "password1" }));
  const reset = await byEmail.reset({ token, password: first, session_duration_minutes });
  assert.deepEqual(factors(reset.session), ["password/knowledge"]);
  await refused(401, "unable_to_auth_password_reset_token", () => byEmail.reset({ token, password: first }));

  const byPassword = (existing_password) => stytch.passwords.existingPassword.reset({
    email, existing_password, new_password: second, session_duration_minutes,
  });
  await refused(401, "unauthorized_credentials", () => byPassword(password));
  const { session_token, session } = await byPassword(first);
  await refused(404, "session_not_found", () => stytch.sessions.authenticate({ session_token: reset.session_token }));
  const bySession = (fields) => stytch.passwords.sessions.reset({ password: third, ...fields });
  await refused(400, "no_session_arguments", () => bySession({}));
  assert.equal((await bySession({ session_token })).session.session_id, session.session_id);
  await age(session.session_id, 301);
  await refused(401, "session_too_old_to_reset_password", () => bySession({ session_token }));
  await stytch.passwords.authenticate({ email, password: third });
  step("reset the password by email, by the old password and by a session that must be recent");
}

async function deleteFactorsAndUser({ user_id }) {
  const { phone_numbers, emails, totps, password: { password_id } } = await stytch.users.get({ user_id });
  const { phone_id } = phone_numbers[0];
  assert.deepEqual((await stytch.users.deletePhoneNumber({ phone_id })).user.phone_numbers, []);
  await refused(404, "phone_number_not_found", () => stytch.users.deletePhoneNumber({ phone_id }));
  const { email_id } = emails[0];
  await refused(400, "cannot_delete_last_primary_factor", () => stytch.users.deleteEmail({ email_id }));
  assert.deepEqual((await stytch.users.deleteTOTP({ totp_id: totps[0].totp_id })).user.totps, []);
  assert.equal((await stytch.users.deletePassword({ password_id })).user.password, null);
  assert.equal((await stytch.users.delete({ user_id })).user_id, user_id);
  await refused(404, "user_not_found", () => stytch.users.get({ user_id }));
  step("deleted the phone, the app, the password and the user, but not the last email");
}

async function surviveFailures() {
  await failNext({ status: 503, path: "/v1/users" });
  await refused(503, "server_unavailable", () => stytch.users.search({}));
  await failNext({ drop: true });
  await dropped(() => stytch.users.search({}));
  assert.equal((await stytch.users.search({})).status_code, 200);
  const [, lost, refusal] = await logged();
  assert.deepEqual([lost.path, lost.status], ["/v1/users/search", null]);
  assert.deepEqual([refusal.status, refusal.error_type], [503, "server_unavailable"]);
  step("a refused call and a dropped connection reject, and the log has both");
}

async function startAgain() {
  await startOver();
  await refused(404, "email_not_found", () => stytch.passwords.authenticate({ email, password }));
  const { session_jwt, session } = await stytch.passwords.create({ email, password, session_duration_minutes });
  // The clock is the system's again, and a new client finds the same keys.
  const valid = await connect().sessions.authenticateJwtLocal({ session_jwt });
  assert.equal(valid.session_id, session.session_id);
  step("started again; new tokens are valid by this machine's clock");
}
