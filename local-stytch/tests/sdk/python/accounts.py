"""The end of the story: changes of the user, password resets, deletion, failures, and a new start."""

from urllib.parse import parse_qs, urlsplit

import requests

import support
from support import EMAIL, PASSWORD, connect, factors, newest, refused, same, step

stytch = connect()


def change(current):
    change_user(current)
    reset_password()
    delete_factors_and_user(current)
    survive_failures()
    start_again()


def change_user(current):
    response = stytch.users.update(
        current.user_id, name={"last_name": "King"}, untrusted_metadata={"theme": "dark"}, external_id="ada-1"
    )
    same((response.user.name.first_name, response.user.name.last_name), ("Ada", "King"))
    same(response.user.untrusted_metadata, {"theme": "dark"})
    refused(404, "user_not_found", stytch.users.update, "user-test-00000000-0000-0000-0000-000000000000")
    step("changed the user's name and metadata")


def reset_password():
    first, second, third = (f"{animal} otters under Ullapool" for animal in ("nine brown", "four grey", "two quick"))
    sent = stytch.passwords.email.reset_start(email=EMAIL, reset_password_redirect_url="http://127.0.0.1/reset")
    query = parse_qs(urlsplit(newest("link", EMAIL)).query)
    same((query["stytch_token_type"], sent.email_id.startswith("email-test-")), (["reset_password"], True))
    token = query["token"][0]
    refused(400, "weak_password", stytch.passwords.email.reset, token=token, password="password1")
    response = stytch.passwords.email.reset(token=token, password=first, session_duration_minutes=60)
    same(factors(response.session), ["password/knowledge"])
    refused(401, "unable_to_auth_password_reset_token", stytch.passwords.email.reset, token=token, password=first)

    by_password = stytch.passwords.existing_password.reset
    refused(401, "unauthorized_credentials", by_password, email=EMAIL, existing_password=PASSWORD, new_password=second)
    response = by_password(email=EMAIL, existing_password=first, new_password=second, session_duration_minutes=60)
    refused(400, "no_session_arguments", stytch.passwords.sessions.reset, password=third)
    kept = stytch.passwords.sessions.reset(password=third, session_token=response.session_token)
    same(kept.session.session_id, response.session.session_id)
    support.age(response.session.session_id, 301)
    refused(
        401,
        "session_too_old_to_reset_password",
        stytch.passwords.sessions.reset,
        password=first,
        session_token=response.session_token,
    )
    same(stytch.passwords.authenticate(email=EMAIL, password=third).user_id, response.user_id)
    step("reset the password by email, by the old password and by a session that must be recent")


def delete_factors_and_user(current):
    user = stytch.users.get(current.user_id)
    phone_id = user.phone_numbers[0].phone_id
    same(stytch.users.delete_phone_number(phone_id).user.phone_numbers, [])
    refused(404, "phone_number_not_found", stytch.users.delete_phone_number, phone_id)
    refused(400, "cannot_delete_last_primary_factor", stytch.users.delete_email, user.emails[0].email_id)
    same(stytch.users.delete_totp(user.totps[0].totp_id).user.totps, [])
    same(stytch.users.delete_password(user.password.password_id).user.password, None)
    same(stytch.users.delete(current.user_id).user_id, current.user_id)
    refused(404, "user_not_found", stytch.users.get, current.user_id)
    step("deleted the phone, the app, the password and the user, but not the last email")


def survive_failures():
    support.fail_next({"status": 503, "path": "/v1/users"})
    refused(503, "server_unavailable", stytch.users.search)
    support.fail_next({"drop": True})
    try:
        stytch.users.search()
    except requests.ConnectionError:
        pass
    else:
        raise AssertionError("a dropped connection had a response")
    same(stytch.users.search().status_code, 200)
    dropped, refusal = support.logged()[1:3]
    same((dropped["path"], dropped["status"]), ("/v1/users/search", None))
    same((refusal["status"], refusal["error_type"]), (503, "server_unavailable"))
    step("a refused call and a dropped connection raise exceptions, and the log has both")


def start_again():
    support.reset()
    refused(404, "email_not_found", stytch.passwords.authenticate, email=EMAIL, password=PASSWORD)
    response = stytch.passwords.create(email=EMAIL, password=PASSWORD, session_duration_minutes=60)
    # The clock is the system's again, and a new client finds the same keys.
    session = connect().sessions.authenticate_jwt_local(response.session_jwt)
    same(session.session_id, response.session.session_id)
    step("started again; new tokens are valid by this machine's clock")
