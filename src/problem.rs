//! The bodies of refusals, as problem details (RFC 9457).
//!
//! Every body has `type`, `title`, `status` and `detail`. The `type` is the URL of one of the
//! sections below.
//!
//! A refusal of a gRPC call has no body. Its [gRPC status](crate::BearerChallenge#grpc) says what would
//! help, but has no `unmet`.
//!
//! # No credentials
//!
//! Status 401. The request carries no token in the places where the guard looks for one.
//!
//! # Invalid request
//!
//! Status 400. The request carries two session cookies with different values, several session-token
//! or `Authorization` headers, or one that cannot be read.
//!
//! # Invalid token
//!
//! Status 401. The token is not valid. The `detail` states whether the token has expired or
//! is not valid yet, or whether its session has ended. Any other reason is only in the log.
//!
//! # Step-up required
//!
//! Status 401. The session is genuine but does not meet the policy.
//!
//! ```json
//! {
//!   "type": "https://docs.rs/tower-step-up/latest/tower_step_up/problem/index.html#step-up-required",
//!   "title": "Step-up authentication required",
//!   "status": 401,
//!   "detail": "authenticate with otp/sms again, totp or webauthn",
//!   "policy": "transfer",
//!   "max_age": 600,
//!   "unmet": [
//!     {"requirement": "factor", "factor": "otp/sms", "reason": "stale", "max_age": 600,
//!      "last_authenticated_at": "2026-01-01T11:00:00Z"},
//!     {"requirement": "factor", "factor": "totp", "reason": "missing"}
//!   ],
//!   "retryable": true,
//!   "prompts": [
//!     [{"factor": "otp/sms", "reason": "stale", "max_age": 600, "last_authenticated_at": "2026-01-01T11:00:00Z"}],
//!     [{"factor": "totp", "reason": "missing", "max_age": 600}]
//!   ]
//! }
//! ```
//!
//! | member | meaning |
//! | --- | --- |
//! | `policy` | the policy's name, if it has one |
//! | `max_age` | the smallest `within` of the policy in whole seconds, if that is at least one second |
//! | `unmet` | every clause that is not met; any one of the alternatives of an unmet `any_of` would do |
//! | `requirement` | `session`, `factor`, `acr`, `amr`, `phishing_resistant`, `independent` or `session_within` |
//! | `factor` | with the requirement `factor`: the factor |
//! | `value`, `name` | with `acr`: the value of the claim; with `amr`: the name in the claim |
//! | `needed`, `have` | with `independent`: how many compromises an attacker must need to present every factor, and how many suffice for the factors of this session; a *compromise* is one thing that an attacker takes over, such as the mailbox or the phone |
//! | `reason` | `missing`, `stale`, or `restart` if only a new session helps |
//! | `last_authenticated_at` | with `stale`: when the clause was last met |
//! | `started_at` | with `restart`: when the session began, if the token states it |
//! | `max_age` of a clause | with `stale` and `restart`: the greatest age allowed, in whole seconds |
//! | `prompts` | the alternatives: a user who proves all factors of one of them meets the policy, and still meets it a minute later, or after half the policy's smallest limit if that is shorter; see [`Prompts`](crate::policy::Prompts) |
//! | `as` of a prompt | the issuer's name for the method to ask for, such as `mfa/phone`; absent for Stytch |
//! | `max_age` of a prompt | the greatest age at which the policy will accept the factor, in whole seconds, if it is limited |
//! | `authentication_request` | for issuers that take authentication requests (OpenID Connect Core 1.0, section 3.1.2.1): its parameters `acr_values` and `max_age`, each if it is needed |
//! | `intent` | if the proofs have to be made for [one action](crate::guide::one_action): the id of its intent, which the next request has to name. Proofs that were made before the intent are `missing` |
//! | `retryable` | whether `prompts` or the authentication request can meet the policy |
//! | `restart` | `true` if the factors can meet it only in a new session |
//! | `enrol` | `true` if the user has to enrol a second factor first |
//! | `truncated` | `true` if there may be further alternatives |
//!
//! An issuer is asked either with an authentication request or for factors. In the first case
//! `prompts` is empty, and the challenge in the header has the parameters of the request too:
//!
//! ```json
//! {
//!   "type": "https://docs.rs/tower-step-up/latest/tower_step_up/problem/index.html#step-up-required",
//!   "title": "Step-up authentication required",
//!   "status": 401,
//!   "detail": "authenticate with acr:gold and any factor again",
//!   "policy": "transfer",
//!   "max_age": 300,
//!   "unmet": [
//!     {"requirement": "acr", "value": "gold", "reason": "missing"},
//!     {"requirement": "session", "reason": "stale", "max_age": 300,
//!      "last_authenticated_at": "2026-01-01T11:00:00Z"}
//!   ],
//!   "retryable": true,
//!   "authentication_request": {"acr_values": "gold", "max_age": 240},
//!   "prompts": []
//! }
//! ```
//!
//! The `max_age` of the request is the policy's limit less the time that the client needs to come
//! back: a minute, or half the limit if that is shorter.
//!
//! If the route requires [scopes](crate::StepUpLayer::require_scopes), the body of each 401 has `scope`
//! too, and `missing_scopes` if the token lacks some. The next section describes both.
//!
//! Clients build their pages from `prompts` or `authentication_request`; `unmet` is for people who
//! look for the reason. If `retryable` is false, and neither `restart` nor `enrol` is there, no
//! authentication would help, and clients show the refusal. Clients should ignore members that they
//! do not know.
//!
//! # Insufficient scope
//!
//! Status 403. The session meets the policy, but its token lacks scopes.
//!
//! ```json
//! {
//!   "type": "https://docs.rs/tower-step-up/latest/tower_step_up/problem/index.html#insufficient-scope",
//!   "title": "Insufficient scope",
//!   "status": 403,
//!   "detail": "the token lacks the scope payments:write",
//!   "scope": "payments:read payments:write",
//!   "missing_scopes": ["payments:write"]
//! }
//! ```
//!
//! | member | meaning |
//! | --- | --- |
//! | `scope` | all scopes that the request needs, separated by spaces (RFC 6750, section 3); a client asks the issuer for all of them |
//! | `missing_scopes` | those of them that the token lacks |
//! | `authentication_request` | as in the section above: the new token has to meet the policy too |
//!
//! # Keys unavailable
//!
//! Status 503 with `Retry-After`. The keys that verify tokens are currently unavailable.
//!
//! # Authority unavailable
//!
//! Status 503 with `Retry-After`. The session has to be renewed or confirmed, and the service that
//! keeps the sessions is currently unavailable.
//!
//! # Revocations unavailable
//!
//! Status 503 with `Retry-After`. The guard currently cannot tell whether the session was revoked.
//!
//! # Intent used
//!
//! Status 409. The [action](crate::guide::one_action) was confirmed already, by an earlier request with the
//! same `intent`, which is a member of the body. This does not say whether the action succeeded. Ask the
//! application for that before you start again.
//!
//! # Intents unavailable
//!
//! Status 503 with `Retry-After`. The store of intents is full or does not respond, so that no
//! [action](crate::guide::one_action) can be confirmed now.
//!
//! # Policy error
//!
//! Status 500. The guard cannot tell which policy the request has to meet. This is an error of the
//! server, and the reason is only in its log.
