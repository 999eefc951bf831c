"""A user's whole story, with Stytch's own Python SDK and a local-stytch that has just started.

It reads STYTCH_BASE_URL, STYTCH_PROJECT_ID and STYTCH_SECRET. It prints a line for each step and stops at the first
failure.
"""

import asyncio
from urllib.parse import parse_qs, urlsplit

from stytch.core.response_base import StytchError

import accounts
import support
from support import EMAIL, PASSWORD, connect, different, factors, newest, refused, same, step

PHONE = "+12025550162"

stytch = connect()


def main():
    signed_up = sign_up()
    signed_in = sign_in(signed_up)
    email_verified = verify_email(signed_in)
    phone_added = add_phone(email_verified)
    validate_locally(email_verified, phone_added)
    age_session(phone_added)
    refuse_bad_requests()
    outlive_the_grace([signed_up, signed_in, email_verified], phone_added)
    renewed = renew(phone_added)
    app_added = add_authenticator(renewed)
    outlive_the_keys(app_added)
    follow_magic_link()
    asyncio.run(ask_asynchronously(app_added))
    sign_out(app_added)
    accounts.change(app_added)


def sign_up():
    refused(400, "weak_password", stytch.passwords.create, email=EMAIL, password="password1")
    response = stytch.passwords.create(email=EMAIL, password=PASSWORD, name={"first_name": "Ada"}, session_duration_minutes=60)
    same(factors(response.session), ["password/knowledge"])
    same(response.user.name.first_name, "Ada")
    same(response.user.emails[0].verified, False)
    refused(400, "duplicate_email", stytch.passwords.create, email=EMAIL, password=PASSWORD)
    step("created a user with a password; neither a weak one nor a second user was accepted")
    return response


def sign_in(before):
    refused(401, "unauthorized_credentials", stytch.passwords.authenticate, email=EMAIL, password="not it")
    same(stytch.passwords.authenticate(email=EMAIL, password=PASSWORD).session_token, "")
    response = stytch.passwords.authenticate(
        email=EMAIL, password=PASSWORD, session_token=before.session_token, session_duration_minutes=60
    )
    same(factors(response.session), ["password/knowledge"])
    different(response.session.session_id, before.session.session_id)
    step("signed in with the password; without a duration there is no session")
    return response


def verify_email(before):
    token = before.session_token
    refused(400, "too_many_unverified_factors", stytch.otps.sms.send, phone_number=PHONE, session_token=token)
    sent = stytch.otps.email.send(email=EMAIL, session_token=token)
    response = stytch.otps.authenticate(
        method_id=sent.email_id, code=newest("code", EMAIL), session_token=token, session_duration_minutes=60
    )
    same(factors(response.session), ["otp/email", "password/knowledge"])
    different(response.session.session_id, before.session.session_id)
    same(stytch.users.get(response.user_id).emails[0].verified, True)
    step("verified the email by its code, which had to come before a phone number: two factors")
    return response


def add_phone(before):
    sent = stytch.otps.sms.send(phone_number=PHONE, session_token=before.session_token)
    same(sent.user_id, before.user_id)
    code = newest("code", PHONE)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    refused(404, "otp_code_not_found", stytch.otps.authenticate, method_id=sent.phone_id, code=wrong)
    response = stytch.otps.authenticate(
        method_id=sent.phone_id, code=code, session_token=before.session_token, session_duration_minutes=60
    )
    same(factors(response.session), ["otp/email", "otp/sms", "password/knowledge"])
    different(response.session.session_id, before.session.session_id)
    same(response.user.phone_numbers[0].verified, True)
    refused(401, "unable_to_auth_otp_code", stytch.otps.authenticate, method_id=sent.phone_id, code=code)
    step("added the phone by its code; neither a wrong code nor a used one was accepted: three factors")
    return response


def validate_locally(before, current):
    session = stytch.sessions.authenticate_jwt_local(current.session_jwt)
    same((session.user_id, session.session_id), (current.user_id, current.session.session_id))
    same(factors(session), factors(current.session))
    # The SDK leaves the request id empty if it made no request.
    same(stytch.sessions.authenticate_jwt(current.session_jwt).request_id, "")
    different(stytch.sessions.authenticate_jwt(current.session_jwt, max_token_age_seconds=0).request_id, "")
    claims, signature = before.session_jwt.rpartition(".")[0], current.session_jwt.rpartition(".")[2]
    forged = f"{claims}.{signature}"
    same(stytch.sessions.authenticate_jwt_local(forged), None)
    refused(400, "unable_to_parse_session_jwt", stytch.sessions.authenticate_jwt, forged)
    step("the SDK validated the session JWT itself and refused a forged one")


def age_session(current):
    session_id = current.session.session_id
    aged = support.age(session_id, 600)
    same(aged["session_id"], session_id)
    response = stytch.sessions.authenticate(session_token=current.session_token)
    # This process has the system's clock, and the new JWT is valid here.
    session = stytch.sessions.authenticate_jwt_local(response.session_jwt)
    for old, new in zip(current.session.authentication_factors, session.authentication_factors, strict=True):
        same((old.last_authenticated_at - new.last_authenticated_at).total_seconds(), 600)
    step("made the session ten minutes older; its new JWT is valid by this machine's clock")


def refuse_bad_requests():
    refused(400, "invalid_phone_number", stytch.otps.sms.send, phone_number="12")
    refused(404, "session_not_found", stytch.sessions.authenticate, session_token="no such token")
    refused(400, "no_session_arguments", stytch.sessions.authenticate)
    refused(404, "user_not_found", stytch.users.get, "user-test-00000000-0000-0000-0000-000000000000")
    refused(401, "unauthorized_credentials", connect("secret-test-wrong").users.search)
    sent = stytch.otps.sms.send(phone_number=PHONE)
    code = newest("code", PHONE)
    support.advance(180)
    refused(401, "unable_to_auth_otp_code", stytch.otps.authenticate, method_id=sent.phone_id, code=code)
    step("bad requests, a wrong secret and an expired code raise the SDK's own exception")


def outlive_the_grace(replaced, current):
    for old in replaced:
        refused(404, "session_not_found", stytch.sessions.authenticate, session_token=old.session_token)
        # A JWT is a snapshot. It outlives its session by up to five minutes.
        same(stytch.sessions.authenticate_jwt_local(old.session_jwt).session_id, old.session.session_id)
    same([listed.session_id for listed in stytch.sessions.get(current.user_id).sessions], [current.session.session_id])
    step("after the grace the earlier sessions are refused, and only the current one is listed")


def renew(before):
    support.advance(300)
    claims = {"plan": "gold"}
    response = stytch.sessions.authenticate(session_jwt=before.session_jwt, session_custom_claims=claims)
    same(response.session.session_id, before.session.session_id)
    # According to this machine's clock, the new JWT was issued in the future.
    same(stytch.sessions.authenticate_jwt_local(response.session_jwt), None)
    same(stytch.sessions.authenticate_jwt_local(response.session_jwt, leeway=support.ahead()).custom_claims, claims)
    step("an expired JWT was exchanged for a fresh one, which is valid by the server's clock and carries a custom claim")
    return response


def add_authenticator(before):
    user_id = before.user.user_id
    created = stytch.totps.create(user_id=user_id)
    code = support.totp(created.secret)
    response = stytch.totps.authenticate(
        user_id=user_id, totp_code=code, session_token=before.session_token, session_duration_minutes=60
    )
    same(factors(response.session), ["otp/email", "otp/sms", "password/knowledge", "totp/authenticator_app"])
    refused(401, "totp_code_already_authenticated", stytch.totps.authenticate, user_id=user_id, totp_code=code)
    spare = stytch.totps.recovery_codes(user_id).totps[0].recovery_codes
    same(spare, created.recovery_codes)
    recovered = stytch.totps.recover(user_id=user_id, recovery_code=spare[0], session_duration_minutes=5)
    same(factors(recovered.session), ["recovery_codes/recovery_code"])
    stytch.sessions.revoke(session_id=recovered.session.session_id)
    step("added an authenticator app, each of whose codes works once: four factors; a recovery code signs in too")
    return response


def outlive_the_keys(before):
    old_keys = {key.kid for key in stytch.sessions.get_jwks(support.PROJECT_ID).keys}
    support.rotate_keys()
    keys = {key.kid for key in stytch.sessions.get_jwks(support.PROJECT_ID).keys}
    same((old_keys < keys, len(keys - old_keys)), (True, 1))
    response = stytch.sessions.authenticate(session_token=before.session_token)
    # A client that has just fetched keys waits half a minute before it fetches again. A new client does not wait.
    for jwt in (before.session_jwt, response.session_jwt):
        same(connect().sessions.authenticate_jwt_local(jwt, leeway=support.ahead()).session_id, before.session.session_id)
    step("after a rotation the JWTs of both keys are valid")


def follow_magic_link():
    stytch.magic_links.email.send(email=EMAIL, login_magic_link_url="http://127.0.0.1/signed-in")
    token = parse_qs(urlsplit(newest("link", EMAIL)).query)["token"][0]
    response = stytch.magic_links.authenticate(token=token, session_duration_minutes=5)
    same(factors(response.session), ["magic_link/email"])
    stytch.sessions.revoke(session_token=response.session_token)
    step("signed in with a magic link, and out again")


async def ask_asynchronously(current):
    async with connect() as client:
        response = await client.sessions.authenticate_async(session_token=current.session_token)
        same(response.session.session_id, current.session.session_id)
        try:
            await client.sessions.authenticate_async(session_token="no such token")
        except StytchError as error:
            support.same_details(error, 404, "session_not_found")
        else:
            raise AssertionError("an unknown session token was accepted")
    step("the SDK's asynchronous client got the same responses")


def sign_out(current):
    user_id, session_id = current.user_id, current.session.session_id
    query = {"operator": "AND", "operands": [{"filter_name": "email_address", "filter_value": [EMAIL]}]}
    same([user.user_id for page in stytch.users.search_all(query=query) for user in page.results], [user_id])
    support.advance(60)
    same([listed.session_id for listed in stytch.sessions.get(user_id).sessions], [session_id])
    stytch.sessions.revoke(session_id=session_id)
    refused(404, "session_not_found", stytch.sessions.authenticate, session_token=current.session_token)
    refused(404, "session_not_found", stytch.sessions.authenticate, session_jwt=current.session_jwt)
    same(stytch.sessions.get(user_id).sessions, [])
    step("revoked the session; its token and JWT are refused")


if __name__ == "__main__":
    main()
