//! Logs each decision, and each warning from the audit of a new guard's policy. The log lines never
//! contain tokens, IP addresses or phone numbers. They contain the user's id, the `sub` of the token. A
//! few issuers put an email address or a user name there.

use tracing::{debug, error, info, warn};

use super::issuer_finding::IssuerFinding;
use crate::excerpt::causes;
use crate::policy::{Finding, Grant, Policy, Severity};
use crate::rejection::Rejection;

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
        | Rejection::RevocationsUnavailable(_) => {
            warn!(target: TARGET, decision = "refused", policy, reason, detail = %why, status);
        }
        Rejection::NoCredentials | Rejection::InvalidRequest(_) | Rejection::InvalidToken(_) => {
            info!(target: TARGET, decision = "refused", policy, reason, detail = %why, status);
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
