//! The bodies of refusals: problem details (RFC 9457).
//!
//! Every body has `type`, `title`, `status` and `detail`. The `type` is the address of one of the
//! sections below.
//!
//! # No credentials
//!
//! Status 401. The request carries no session token where the guard looks for one.
//!
//! # Invalid request
//!
//! Status 400. The request carries several session tokens, or an Authorization header that cannot
//! be read.
//!
//! # Invalid token
//!
//! Status 401. The session token broke a rule. That it has expired, is not valid yet, or that its
//! session has ended is told; of everything else only the log says more.
//!
//! # Step-up required
//!
//! Status 401. The session is genuine and does not meet the policy.
//!
//! ```json
//! {
//!   "type": "https://docs.rs/tower-step-up/latest/tower_step_up/problem/index.html#step-up-required",
//!   "title": "Step-up authentication required",
//!   "status": 401,
//!   "detail": "authenticate otp/sms again, totp or webauthn",
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
//! | member | what it is |
//! | --- | --- |
//! | `policy` | the policy's name, where it has one |
//! | `max_age` | the smallest `within` of the policy in whole seconds, if it has one of at least a second |
//! | `unmet` | every clause that is not met; of the alternatives of an unmet `any_of` any one would do |
//! | `requirement` | `session`, `factor`, `phishing_resistant`, `independent` or `session_within` |
//! | `factor` | of the requirement `factor`: which |
//! | `needed`, `have` | of `independent`: how many compromises it must take, and takes, to present every factor |
//! | `reason` | `missing`, `stale`, or `restart` where only a new session helps |
//! | `last_authenticated_at` | of `stale`: when the clause was last met |
//! | `started_at` | of `restart`: when the session began, where the token says |
//! | `max_age` of a clause | of `stale` and `restart`: the age allowed in whole seconds |
//! | `prompts` | alternatives: authenticating all factors of one of them meets the policy, now and a minute later; see [`Prompts`](crate::policy::Prompts) |
//! | `max_age` of a prompt | the age to which the policy will hold the factor, in whole seconds, where it is limited |
//! | `retryable` | whether the factors on offer can meet the policy in this session |
//! | `restart` | `true` where they can in a new session only |
//! | `truncated` | `true` where there may be further alternatives |
//!
//! A client builds its pages from `prompts`; `unmet` is for people who look for the reason. Clients
//! should ignore members that they do not know.
//!
//! # Keys unavailable
//!
//! Status 503 with `Retry-After`. The keys that tokens are verified with cannot be had now.
//!
//! # Authority unavailable
//!
//! Status 503 with `Retry-After`. The session has to be renewed or confirmed, and what keeps the
//! sessions cannot be asked now.
//!
//! # Revocations unavailable
//!
//! Status 503 with `Retry-After`. Whether the session was revoked is not known now.
