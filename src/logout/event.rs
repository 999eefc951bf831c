//! Logs each logout and each refusal. The log lines never contain tokens.

use tracing::{error, info, warn};

use super::error::LogoutError;
use crate::excerpt::causes;
use crate::token::{LogoutTokenError, Revoked};

const TARGET: &str = "tower_step_up::logout";

pub(super) fn record(outcome: &Result<Revoked, LogoutError>) {
    match outcome {
        Ok(Revoked::Session(session)) => {
            let (issuer, session_id) = (&*session.issuer, &*session.id);
            info!(target: TARGET, decision = "logged_out", issuer, session_id);
        }
        Ok(Revoked::User(user)) => {
            let (issuer, user_id) = (&*user.issuer, &*user.id);
            info!(target: TARGET, decision = "logged_out", issuer, user_id);
        }
        Err(why) => refused(why),
    }
}

fn refused(why: &LogoutError) {
    let (reason, status) = (why.reason(), why.status().as_u16());
    match why {
        LogoutError::Token(LogoutTokenError::Stytch | LogoutTokenError::UnnamedSessions) => {
            error!(target: TARGET, decision = "refused", reason, detail = %why, status);
        }
        LogoutError::KeysUnavailable(_) | LogoutError::NotRecorded(_) => {
            let detail = causes(why);
            let detail = detail.escape_debug();
            warn!(target: TARGET, decision = "refused", reason, %detail, status);
        }
        _ => info!(target: TARGET, decision = "refused", reason, detail = %why, status),
    }
}
