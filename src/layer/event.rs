//! Logs each decision, and each warning from the audit of a new guard's policy. The log lines never
//! contain tokens, IP addresses or phone numbers. They contain the user's id, the `sub` of the token. A
//! few issuers put an email address or a user name there.

use http::StatusCode;
use tracing::{debug, error, info, warn};

use super::issuer_finding::IssuerFinding;
use crate::excerpt::causes;
use crate::intent::{Action, IntentId};
use crate::policy::{Finding, Grant, Policy, Severity};
use crate::rejection::Rejection;
use crate::session::Session;

const TARGET: &str = "tower_step_up::guard";

/// Records a decision of a guard with this policy. A decision about a session has the policy that
/// was evaluated, which may be stricter. `Ok(None)` comes from an optional guard that found no
/// credentials.
pub(super) fn record(policy: &Policy, granted: &Result<Option<Grant>, Rejection>) {
    match granted {
        Ok(Some(grant)) => {
            let session = grant.session();
            debug!(
                target: TARGET,
                decision = "granted",
                policy = label(grant.policy()),
                issuer = session.issuer(),
                session_id = session.id(),
                user_id = session.user_id(),
            );
        }
        Ok(None) => debug!(target: TARGET, decision = "anonymous", policy = label(policy)),
        Err(why) => refused(policy, why),
    }
}

fn refused(policy: &Policy, why: &Rejection) {
    let reason = why.reason();
    let status = why.status().as_u16();
    let policy = label(policy);
    match why {
        Rejection::StepUpRequired(shortfall) => {
            let session = shortfall.session();
            info!(
                target: TARGET,
                decision = "refused",
                policy = label(shortfall.policy()),
                reason,
                detail = %shortfall.unmet_in_one_line().to_string().escape_debug(),
                status,
                issuer = session.issuer(),
                session_id = session.id(),
                user_id = session.user_id(),
            );
        }
        Rejection::InsufficientScope(lack) => {
            let session = lack.session();
            info!(
                target: TARGET,
                decision = "refused",
                policy,
                reason,
                detail = %lack,
                scope = lack.required_text(),
                status,
                issuer = session.issuer(),
                session_id = session.id(),
                user_id = session.user_id(),
            );
        }
        Rejection::PolicyError(error) => {
            let detail = causes(error);
            let detail = detail.escape_debug();
            error!(target: TARGET, decision = "refused", policy, reason, %detail, status);
        }
        Rejection::KeysUnavailable(_)
        | Rejection::AuthorityUnavailable { .. }
        | Rejection::RevocationsUnavailable(_)
        | Rejection::IntentsUnavailable(_) => {
            warn!(target: TARGET, decision = "refused", policy, reason, detail = %why, status);
        }
        Rejection::NoCredentials
        | Rejection::InvalidRequest(_)
        | Rejection::InvalidToken(_)
        | Rejection::IntentUsed(_) => {
            info!(target: TARGET, decision = "refused", policy, reason, detail = %why, status);
        }
    }
}

/// A decision about one action.
pub(super) struct Confirmation<'a> {
    /// The policy of `once`.
    pub(super) policy: &'a Policy,
    pub(super) session: &'a Session,
    pub(super) action: &'a Action,
    /// The intent that was confirmed or used, or that the challenge names.
    pub(super) intent: Option<&'a IntentId>,
}

impl Confirmation<'_> {
    /// Records that the action was confirmed.
    pub(super) fn record(&self) {
        debug!(
            target: TARGET,
            decision = "confirmed",
            policy = label(self.policy),
            action = %self.action.name().escape_debug(),
            intent = self.intent.map(IntentId::as_str),
            issuer = self.session.issuer(),
            session_id = self.session.id(),
            user_id = self.session.user_id(),
        );
    }

    /// Records that the action was refused. The `cause` says what the request lacked.
    pub(super) fn record_refusal(&self, why: &Rejection, cause: &'static str) {
        let detail = match why {
            Rejection::StepUpRequired(shortfall) => shortfall.unmet_in_one_line().to_string(),
            Rejection::IntentsUnavailable(error) => causes(error),
            why => why.to_string(),
        };
        // The level of a log line is a constant.
        macro_rules! record {
            ($level:ident) => {
                $level!(
                    target: TARGET,
                    decision = "refused",
                    policy = label(self.policy),
                    reason = why.reason(),
                    cause,
                    detail = %detail.escape_debug(),
                    status = why.status().as_u16(),
                    action = %self.action.name().escape_debug(),
                    intent = self.intent.map(IntentId::as_str),
                    issuer = self.session.issuer(),
                    session_id = self.session.id(),
                    user_id = self.session.user_id(),
                )
            };
        }
        match why.status() {
            StatusCode::SERVICE_UNAVAILABLE => record!(warn),
            _ => record!(info),
        }
    }
}

/// Logs each warning of the policy's audit.
pub(super) fn warn_of_weakness(policy: &Policy) {
    for finding in policy.audit().findings {
        match &finding {
            Finding::OneCompromise { compromise, .. } => {
                let policy = label(policy);
                warn!(target: TARGET, policy, compromise = %compromise, "{finding}");
            }
            _ if finding.severity() == Severity::Warning => {
                warn!(target: TARGET, policy = label(policy), "{finding}")
            }
            _ => {}
        }
    }
}

/// Logs an error for each reason why tokens of an issuer cannot meet the policy.
pub(super) fn report_findings(policy: &Policy, findings: &[IssuerFinding]) {
    for finding in findings {
        error!(target: TARGET, policy = label(policy), "{finding}");
    }
}

/// Returns the policy's name, or its text if it has no name.
fn label(policy: &Policy) -> tracing::field::DisplayValue<Label<'_>> {
    tracing::field::display(Label(policy))
}

struct Label<'a>(&'a Policy);

impl std::fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.name() {
            Some(name) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}
