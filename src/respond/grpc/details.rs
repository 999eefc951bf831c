//! The details of a status.

use prost::Message as _;

use super::error_info;
use super::messages::{Any, Duration, RetryInfo, Status};
use crate::respond::refusal::Refusal;

/// The longest `google.protobuf.Duration`, about 10,000 years.
const MAX_SECONDS: i64 = 315_576_000_000;

/// Returns an encoded `google.rpc.Status` with this code and message.
pub(super) fn of(code: i32, message: &str, refusal: &Refusal<'_>) -> Vec<u8> {
    let mut details = vec![Any::of("google.rpc.ErrorInfo", &error_info::of(refusal))];
    if let Some(seconds) = refusal.retry_after {
        let seconds =
            seconds.try_into().map_or(MAX_SECONDS, |seconds: i64| seconds.min(MAX_SECONDS));
        let retry = RetryInfo { retry_delay: Some(Duration { seconds, nanos: 0 }) };
        details.push(Any::of("google.rpc.RetryInfo", &retry));
    }
    Status { code, message: message.to_owned(), details }.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use std::time::Duration as Pause;

    use http::Request;

    use super::*;
    use crate::credentials::CredentialError;
    use crate::factor::Factor;
    use crate::keys::KeysUnavailable;
    use crate::policy::{Policy, PolicyError};
    use crate::rejection::Rejection;
    use crate::respond::grpc::messages::ErrorInfo;
    use crate::respond::{BearerChallenge, Respond};
    use crate::testing;
    use crate::token::{RevocationsUnavailable, SessionError};

    const CHALLENGE: &str = "Bearer realm=\"api\"";

    /// Answers a gRPC call, and returns the decoded details and the challenge.
    fn answer(why: &Rejection) -> (Status, ErrorInfo, Option<RetryInfo>, String) {
        let request =
            Request::post("/").header("content-type", "application/grpc").body(()).unwrap();
        let response = BearerChallenge::default().respond(why, &request.into_parts().0);
        let header = |name| {
            response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        let details =
            base64_simd::STANDARD_NO_PAD.decode_to_vec(header("grpc-status-details-bin")).unwrap();
        let status = Status::decode(&*details).unwrap();
        assert_eq!(header("grpc-status"), status.code.to_string());
        assert_eq!(header("grpc-message"), status.message);
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("retry-after"), "");
        let [info, retry @ ..] = &*status.details else { panic!("{status:?}") };
        assert_eq!(info.type_url, "type.googleapis.com/google.rpc.ErrorInfo");
        let info = ErrorInfo::decode(&*info.value).unwrap();
        assert_eq!(info.domain, "tower-step-up");
        let retry = retry.first().map(|any| {
            assert_eq!(any.type_url, "type.googleapis.com/google.rpc.RetryInfo");
            RetryInfo::decode(&*any.value).unwrap()
        });
        (status, info, retry, header("www-authenticate"))
    }

    fn shortfall(policy: &Policy) -> Rejection {
        let session = testing::session().proved(Factor::Password).build();
        Rejection::StepUpRequired(policy.evaluate(&session, testing::NOW).unwrap_err())
    }

    #[test]
    fn each_rejection_has_a_code_a_reason_and_the_challenge_of_the_http_answer() {
        let pause = |milliseconds| Pause::from_millis(milliseconds);
        for (why, code, reason, retry_delay, error) in [
            (Rejection::NoCredentials, 16, "NO_CREDENTIALS", None, Some("")),
            (
                Rejection::InvalidRequest(CredentialError::SeveralCookies),
                3,
                "INVALID_REQUEST",
                None,
                Some("invalid_request"),
            ),
            (
                Rejection::InvalidToken(SessionError::Revoked.into()),
                16,
                "INVALID_TOKEN",
                None,
                Some("invalid_token"),
            ),
            (
                shortfall(&Policy::mfa()),
                16,
                "INSUFFICIENT_USER_AUTHENTICATION",
                None,
                Some("insufficient_user_authentication"),
            ),
            (
                Rejection::KeysUnavailable(KeysUnavailable { retry_after: pause(1_001) }),
                14,
                "KEYS_UNAVAILABLE",
                Some(2),
                None,
            ),
            (
                Rejection::AuthorityUnavailable { retry_after: Pause::MAX },
                14,
                "AUTHORITY_UNAVAILABLE",
                Some(MAX_SECONDS),
                None,
            ),
            (
                Rejection::RevocationsUnavailable(RevocationsUnavailable { retry_after: pause(0) }),
                14,
                "REVOCATIONS_UNAVAILABLE",
                Some(1),
                None,
            ),
            (Rejection::PolicyError(PolicyError::Panicked), 13, "POLICY_ERROR", None, None),
        ] {
            let (status, info, retry, challenge) = answer(&why);
            assert_eq!((status.code, &*info.reason), (code, reason));
            let seconds = retry.map(|retry| {
                let delay = retry.retry_delay.unwrap();
                assert_eq!(delay.nanos, 0);
                delay.seconds
            });
            assert_eq!(seconds, retry_delay, "{reason}");
            let is_step_up = matches!(why, Rejection::StepUpRequired(_));
            assert_eq!(!info.metadata.is_empty(), is_step_up, "{reason}");
            let http = Request::post("/").body(()).unwrap().into_parts().0;
            let http = BearerChallenge::default().respond(&why, &http);
            let same = http.headers().get("www-authenticate").map(|value| value.to_str().unwrap());
            assert_eq!(challenge, same.unwrap_or_default(), "{reason}");
            match error {
                Some("") => assert_eq!(challenge, CHALLENGE),
                Some(error) => assert!(
                    challenge.starts_with(&format!("{CHALLENGE}, error=\"{error}\"")),
                    "{challenge}"
                ),
                None => assert_eq!(challenge, ""),
            }
        }
    }
}
