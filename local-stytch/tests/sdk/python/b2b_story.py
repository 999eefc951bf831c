"""A member's whole story, with the B2B client of Stytch's own Python SDK and a local-stytch that has just started.

It reads the same variables as story.py, prints a line for each step and stops at the first failure.
"""

from urllib.parse import parse_qs, urlsplit

import support
from support import connect_b2b, factors, newest, refused, same

EMAIL = "ada@example.com"
PHONE = "+12025550162"
PASSWORD = "seven grey herons over Lowestoft"
ACME = "acme"  # the slug

stytch = connect_b2b()


def main():
    member_id = create_organization()
    set_password(member_id)
    pending = sign_in()
    session = complete_mfa(member_id, pending)
    validate_locally(session)
    sign_in_with_code(member_id)
    stepped, recovery_codes = add_authenticator(member_id, session)
    recover(member_id, recovery_codes)
    change_the_organization(member_id)
    sign_out(member_id, stepped)


def create_organization():
    create = {"organization_name": "Acme", "organization_slug": ACME, "mfa_policy": "REQUIRED_FOR_ALL"}
    same(stytch.organizations.create(**create).organization.mfa_policy, "REQUIRED_FOR_ALL")
    refused(400, "organization_slug_already_used", stytch.organizations.create, **create)
    refused(404, "organization_not_found", stytch.organizations.get, "bolt")
    created = stytch.organizations.members.create(ACME, EMAIL, name="Ada")
    same((created.member.status, created.member.email_address_verified, created.member.mfa_enrolled), ("active", False, False))
    refused(400, "duplicate_member_email", stytch.organizations.members.create, ACME, EMAIL)
    step("created an organization that requires MFA, and a member")
    return created.member_id


def set_password(member_id):
    refused(404, "member_password_not_found", stytch.passwords.authenticate, ACME, EMAIL, PASSWORD)
    same(stytch.passwords.strength_check(password="password1").valid_password, False)
    stytch.passwords.email.reset_start(ACME, EMAIL, reset_password_redirect_url="http://127.0.0.1/password")
    token = parse_qs(urlsplit(newest("link", EMAIL)).query)["token"][0]
    refused(400, "weak_password", stytch.passwords.email.reset, token, "password1")
    response = stytch.passwords.email.reset(token, PASSWORD)
    same((response.member_id, response.member_authenticated), (member_id, False))
    same(response.member.email_address_verified, True)
    refused(401, "unable_to_auth_password_reset_token", stytch.passwords.email.reset, token, PASSWORD)
    step("set the password by email, which works once")


def sign_in():
    refused(401, "unauthorized_credentials", stytch.passwords.authenticate, ACME, EMAIL, "not it")
    response = stytch.passwords.authenticate(ACME, EMAIL, PASSWORD)
    same((response.member_authenticated, response.session_token, response.member_session), (False, "", None))
    same((response.mfa_required.member_options, response.mfa_required.secondary_auth_initiated), (None, None))
    token = response.intermediate_session_token
    refused(404, "session_not_found", stytch.sessions.authenticate, session_token=token)
    step("signed in with the password, which is not enough for a session")
    return response


def complete_mfa(member_id, pending):
    token = pending.intermediate_session_token
    refused(404, "member_phone_number_not_found", stytch.otps.sms.send, ACME, member_id)
    stytch.otps.sms.send(ACME, member_id, mfa_phone_number=PHONE, intermediate_session_token=token)
    code = newest("code", PHONE)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    prove = stytch.otps.sms.authenticate
    refused(404, "otp_code_not_found", prove, ACME, member_id, wrong, intermediate_session_token=token)
    refused(400, "no_session_arguments", prove, ACME, member_id, code)
    response = prove(ACME, member_id, code, intermediate_session_token=token)
    same(factors(response.member_session), ["otp/sms", "password/knowledge"])
    same((response.member.mfa_enrolled, response.member.default_mfa_method), (True, "sms_otp"))
    refused(404, "intermediate_session_not_found", prove, ACME, member_id, code, intermediate_session_token=token)
    step("completed MFA with a code by text message; the intermediate session token works once")
    return response


def validate_locally(current):
    session = stytch.sessions.authenticate_jwt_local(current.session_jwt)
    same((session.member_id, session.member_session_id), (current.member_id, current.member_session.member_session_id))
    same((session.organization_id, session.organization_slug), (current.organization.organization_id, ACME))
    same(session.roles, ["stytch_member"])
    same(factors(session), factors(current.member_session))
    same(len(stytch.sessions.get_jwks(support.PROJECT_ID).keys), 1)
    step("the SDK validated the session JWT itself")


def sign_in_with_code(member_id):
    pending = stytch.passwords.authenticate(ACME, EMAIL, PASSWORD)
    required = pending.mfa_required
    same((required.member_options.mfa_phone_number, required.secondary_auth_initiated), (PHONE, "sms_otp"))
    response = stytch.otps.sms.authenticate(
        ACME,
        member_id,
        newest("code", PHONE),
        intermediate_session_token=pending.intermediate_session_token,
        session_duration_minutes=5,
    )
    stytch.sessions.revoke(session_token=response.session_token)
    step("the next sign-in sent a code at once")


def add_authenticator(member_id, before):
    refused(401, "insufficient_factors", stytch.totps.create, ACME, member_id)
    created = stytch.totps.create(ACME, member_id, session_token=before.session_token)
    code = support.totp(created.secret)
    prove = stytch.totps.authenticate
    response = prove(ACME, member_id, code, session_token=before.session_token, set_default_mfa=True)
    same(factors(response.member_session), ["otp/sms", "password/knowledge", "totp/authenticator_app"])
    same(response.member.totp_registration_id, created.totp_registration_id)
    same(response.member.default_mfa_method, "totp")
    token = response.session_token
    refused(401, "totp_code_already_authenticated", prove, ACME, member_id, code, session_token=token)
    step("added an authenticator app, for which a session with the phone is needed")
    return response, created.recovery_codes


def recover(member_id, recovery_codes):
    same(stytch.recovery_codes.get(ACME, member_id).recovery_codes, recovery_codes)
    pending = stytch.passwords.authenticate(ACME, EMAIL, PASSWORD)
    same(pending.mfa_required.secondary_auth_initiated, None)
    recovered = stytch.recovery_codes.recover(
        ACME, member_id, recovery_codes[0], intermediate_session_token=pending.intermediate_session_token
    )
    same(factors(recovered.member_session), ["password/knowledge", "recovery_codes/recovery_code"])
    same(recovered.recovery_codes_remaining, 9)
    same(len(stytch.recovery_codes.rotate(ACME, member_id).recovery_codes), 10)
    stytch.sessions.revoke(member_session_id=recovered.member_session.member_session_id)
    step("a recovery code completed MFA")


def change_the_organization(member_id):
    same(stytch.organizations.update(ACME, mfa_policy="OPTIONAL").organization.mfa_policy, "OPTIONAL")
    same(stytch.organizations.members.update(ACME, member_id, mfa_enrolled=False).member.mfa_enrolled, False)
    response = stytch.passwords.authenticate(ACME, EMAIL, PASSWORD)
    same((response.member_authenticated, response.intermediate_session_token), (True, ""))
    same(factors(response.member_session), ["password/knowledge"])
    stytch.sessions.revoke(session_token=response.session_token)
    query = {"operator": "AND", "operands": [{"filter_name": "organization_slugs", "filter_value": [ACME]}]}
    same(stytch.organizations.search(query=query).results_metadata.total, 1)
    step("without the policy and the enrollment, the password is enough for a session")


def sign_out(member_id, current):
    support.advance(60)
    query = {"operator": "AND", "operands": [{"filter_name": "member_emails", "filter_value": [EMAIL]}]}
    found = stytch.organizations.members.search(organization_ids=[ACME], query=query)
    same([member.member_id for member in found.members], [member_id])
    renewed = stytch.sessions.authenticate(session_token=current.session_token, session_duration_minutes=30)
    same(listed(member_id), [renewed.member_session.member_session_id])
    stytch.sessions.revoke(member_id=member_id)
    refused(404, "session_not_found", stytch.sessions.authenticate, session_token=current.session_token)
    refused(404, "session_not_found", stytch.sessions.authenticate, session_jwt=current.session_jwt)
    same(listed(member_id), [])
    stytch.organizations.members.delete_totp(ACME, member_id)
    stytch.organizations.members.delete_mfa_phone_number(ACME, member_id)
    stytch.organizations.members.delete(ACME, member_id)
    refused(404, "member_not_found", stytch.organizations.members.get, ACME, member_id=member_id)
    stytch.organizations.delete(ACME)
    step("revoked the session and deleted the member and the organization")


def listed(member_id):
    return [session.member_session_id for session in stytch.sessions.get(ACME, member_id).member_sessions]


def step(what):
    print(what, flush=True)


if __name__ == "__main__":
    main()
