//! Findings about limits: zero, too short for a person, or too long.

use std::time::Duration;

use super::finding::Finding;
use super::leaves::visit_leaves;
use crate::policy::types::Policy;

/// The longest limit without a finding. NIST SP 800-63B-4, section 2.2.3: at AAL2, users
/// authenticate again within 24 hours.
const MAX_GOOD_LIMIT: Duration = Duration::from_secs(24 * 3_600);
/// The shortest limit without a finding. A person needs about this long to read a code, type it and
/// return.
const MIN_GOOD_LIMIT: Duration = Duration::from_secs(30);

pub(super) fn findings(policy: &Policy) -> Vec<Finding> {
    let mut limits = Vec::new();
    visit_leaves(policy, None, &mut |_, limit| limits.extend(limit));
    let zero = limits.contains(&Duration::ZERO).then_some(Finding::ZeroLimit);
    let shortest = limits.iter().copied().filter(|limit| !limit.is_zero()).min();
    let short = shortest
        .filter(|shortest| *shortest < MIN_GOOD_LIMIT)
        .map(|max_age| Finding::ShortLimit { max_age });
    let longest = limits.into_iter().max().filter(|longest| *longest > MAX_GOOD_LIMIT);
    let long = longest.map(|max_age| Finding::LongLimit { max_age });
    zero.into_iter().chain(short).chain(long).collect()
}
