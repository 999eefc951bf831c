//! What to write instead of a policy that no token of an issuer can meet.

use std::time::Duration;

use crate::policy::{Requirement, Span};
use crate::token::BestSessions;

const NO_TIME: &str = "demand it without a limit, because they state no time at all; if yours have \
                       auth_time and the issuer's profile reads it, call `states_auth_time`";

/// Returns what to write instead of a limit on something that has no time. If `is_stated`, the tokens
/// state what the requirement demands, but not when.
pub(super) fn undated(
    requirement: &Requirement,
    limit: Option<Duration>,
    is_stated: bool,
    best: &BestSessions<'_>,
) -> String {
    let capabilities = best.capabilities.unwrap_or_default();
    if capabilities.dates_methods {
        return "limit the age of a factor or of a name in amr instead".to_owned();
    }
    if !capabilities.dates_sign_in {
        return NO_TIME.to_owned();
    }
    let sign_in = format!("session().within({})", Span(limit.unwrap_or_default()));
    let instead = match requirement {
        Requirement::Acr { value } => format!("acr({value:?}).and({sign_in})"),
        Requirement::Independent { needed: 2, .. } if is_stated => format!("mfa().and({sign_in})"),
        _ if capabilities.states_acr => format!("acr(\"…\").and({sign_in})"),
        _ => sign_in,
    };
    format!(
        "limit the age of the sign-in instead, as in `{instead}`, or declare `auth_time_covers` for \
         factors that the issuer asks for whenever it moves auth_time"
    )
}

/// Returns what to write instead of a limit on the age of the session.
pub(super) fn no_start(best: &BestSessions<'_>) -> &'static str {
    let capabilities = best.capabilities.unwrap_or_default();
    match capabilities.dates_sign_in || capabilities.dates_methods {
        true => "use `session().within(…)` for the age of the sign-in",
        false => NO_TIME,
    }
}
