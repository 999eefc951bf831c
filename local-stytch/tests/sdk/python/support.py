"""Helpers for the story: the stand-in's own routes, and checks that report what they got."""

import base64
import hashlib
import hmac
import math
import os
import struct
from datetime import datetime, timezone

import requests
from stytch import B2BClient, Client
from stytch.core.response_base import StytchError

# A proxy cannot reach this machine's loopback, so neither `requests` nor the SDK's key fetch may use one.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"

BASE_URL = os.environ["STYTCH_BASE_URL"].rstrip("/")
PROJECT_ID = os.environ["STYTCH_PROJECT_ID"]
SECRET = os.environ["STYTCH_SECRET"]

EMAIL = "ada@example.com"
PASSWORD = "seven grey herons over Lowestoft"


def step(what):
    print(what, flush=True)


def connect(secret=SECRET):
    return Client(PROJECT_ID, secret, environment=f"{BASE_URL}/")


def connect_b2b():
    return B2BClient(PROJECT_ID, SECRET, environment=f"{BASE_URL}/")


def refused(status_code, error_type, call, *args, **kwargs):
    """Checks that the call raises the SDK's own exception, with all fields of a Stytch error."""
    try:
        call(*args, **kwargs)
    except StytchError as error:
        same_details(error, status_code, error_type)
    else:
        raise AssertionError(f"expected {error_type}, but the call succeeded")


def same_details(error, status_code, error_type):
    details = error.details
    same((details.status_code, details.error_type), (status_code, error_type))
    same(details.request_id.startswith("request-id-test-"), True)
    same(bool(details.error_message and details.error_url), True)


def same(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, expected {want!r}")


def different(got, other):
    if got == other:
        raise AssertionError(f"got {got!r} again, expected a different value")


def factors(session):
    return sorted(f"{factor.type.value}/{factor.delivery_method.value}" for factor in session.authentication_factors)


def newest(kind, to):
    """Returns the code or the link of the newest message to that address or number."""
    return next(message[kind] for message in local(requests.get, "messages")["messages"] if message["to"] == to)


def advance(seconds):
    local(requests.post, "clock", {"advance_seconds": seconds})


def rotate_keys():
    local(requests.post, "keys/rotate")


def age(session_id, seconds):
    return local(requests.post, "sessions/age", {"session_id": session_id, "seconds": seconds})["session"]


def fail_next(failure):
    local(requests.post, "fail_next", failure)


def logged():
    return local(requests.get, "requests")["requests"]


def reset():
    local(requests.post, "reset")


def totp(secret):
    """Returns the code that an authenticator app shows (RFC 6238), by the server's clock."""
    counter = struct.pack(">Q", int(now().timestamp()) // 30)
    digest = hmac.digest(base64.b32decode(secret + "=" * (-len(secret) % 8)), counter, hashlib.sha1)
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset : offset + 4], 'big') & 0x7FFF_FFFF) % 1_000_000:06}"


def ahead():
    """Returns how far the server's clock is ahead of this machine's, in seconds rounded up."""
    here = datetime.now(timezone.utc)
    return math.ceil((now() - here).total_seconds())


def now():
    return datetime.fromisoformat(local(requests.get, "clock")["now"])


def local(method, path, body=None):
    response = method(f"{BASE_URL}/local/{path}", json=body, timeout=10)
    response.raise_for_status()
    return response.json() if response.content else None
