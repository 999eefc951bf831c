//! The part of the step-up page that shows what the code is for.

use crate::drafts::{Kept, Why};
use crate::order::{OWN_PROOF_ABOVE, Order};
use crate::words;

/// A transfer that needs its own proof, and why the bank asks for it now.
pub(crate) struct Confirms {
    pub(crate) order: Order,
    pub(crate) why: String,
}

impl Confirms {
    /// Returns `None` if a guard refused the transfer. The bank has then not asked for its own proof
    /// yet.
    pub(crate) fn of(kept: &Kept) -> Option<Self> {
        let why = match &kept.why {
            Why::Session => return None,
            Why::Amount => format!("A transfer of more than {OWN_PROOF_ABOVE} needs its own code."),
            Why::NoProof => {
                "We still need a new code for this transfer. If you have just entered one, it came too soon after the one before.".to_owned()
            }
            Why::Changed(details) => {
                let details: Vec<_> = details.iter().map(ToString::to_string).collect();
                format!(
                    "You need a new code, because this is not the transfer that we last asked you to confirm. These details have changed: {}.",
                    words::listed(&details, "and")
                )
            }
            Why::Lapsed => {
                "You need a new code. The last one no longer counts for this transfer: ten minutes have passed, or it was used for another transfer.".to_owned()
            }
        };
        Order::read(&kept.draft).ok().map(|order| Self { order, why })
    }
}
