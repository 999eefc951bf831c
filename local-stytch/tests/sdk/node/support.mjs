// Helpers for the story: the stand-in's own routes, and checks that report what they got.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";

// The directory in which `npm install` put the SDK. By default it is the directory of this file.
const require = createRequire(`${process.env.STYTCH_NODE_MODULES ?? import.meta.dirname}/`);
export const { B2BClient, Client, ClientError, RequestError, StytchError } = require("stytch");

const baseUrl = process.env.STYTCH_BASE_URL.replace(/\/+$/, "");
export const projectId = process.env.STYTCH_PROJECT_ID;

export const email = "grace@example.com";
export const password = "eleven brown otters under Ullapool";
export const session_duration_minutes = 60;

export function step(what) {
  console.log(what);
}

// The SDK warns on stderr that this is not one of Stytch's own addresses.
export const connect = (secret = process.env.STYTCH_SECRET) =>
  new Client({ project_id: projectId, secret, env: `${baseUrl}/` });
export const connectB2B = () =>
  new B2BClient({ project_id: projectId, secret: process.env.STYTCH_SECRET, env: `${baseUrl}/` });

// Checks that the call rejects with the SDK's own exception, with all fields of a Stytch error.
export async function refused(statusCode, errorType, call) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof StytchError, `${error}`);
    assert.deepEqual([error.status_code, error.error_type], [statusCode, errorType]);
    assert.match(error.request_id, /^request-id-test-/);
    assert.ok(error.error_message && error.error_url);
    return true;
  }, errorType);
}

// Checks that the SDK itself refuses the JWT, for that reason.
export async function refusedLocally(reason, call) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof ClientError, `${error}`);
    assert.equal(error.code, "jwt_invalid");
    assert.equal(error.cause.code, reason);
    return true;
  }, reason);
}

// Checks that the call rejects because the connection ended without a response.
export async function dropped(call) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof RequestError, `${error}`);
    return true;
  }, "a dropped connection");
}

export const factors = (session) =>
  session.authentication_factors.map((factor) => `${factor.type}/${factor.delivery_method}`).sort();

// Returns the code or the link of the newest message to that address or number.
export async function newest(kind, to) {
  const { messages } = await local("GET", "messages");
  return messages.find((message) => message.to === to)[kind];
}

export const advance = (seconds) => local("POST", "clock", { advance_seconds: seconds });
export const rotateKeys = () => local("POST", "keys/rotate");
export const age = async (session_id, seconds) => (await local("POST", "sessions/age", { session_id, seconds })).session;
export const failNext = (failure) => local("POST", "fail_next", failure);
export const logged = async () => (await local("GET", "requests")).requests;
export const reset = () => local("POST", "reset");
export const now = async () => new Date((await local("GET", "clock")).now);

// Returns the code that an authenticator app shows (RFC 6238), by the server's clock.
export async function totp(secret) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor((await now()) / 30_000)));
  const digest = createHmac("sha1", base32(secret)).update(counter).digest();
  const offset = digest.at(-1) & 15;
  return `${(digest.readUInt32BE(offset) & 0x7fff_ffff) % 1_000_000}`.padStart(6, "0");
}

function base32(text) {
  const bits = [...text.replace(/=+$/, "")]
    .map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"))
    .join("");
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

async function local(method, path, body) {
  const response = await fetch(`${baseUrl}/local/${path}`, {
    method,
    headers: body && { "content-type": "application/json" },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  assert.ok(response.ok, `${method} /local/${path}: ${response.status}`);
  const text = await response.text();
  return text && JSON.parse(text);
}
