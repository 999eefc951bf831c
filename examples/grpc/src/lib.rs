//! A small bank over gRPC. Each method has a policy, a [`StepUpLayer`](tower_step_up::StepUpLayer)
//! refuses calls that do not meet it, and the client steps up and calls once more.

mod bank;
mod client;
mod guard;
mod issuer;
mod server;

/// The messages, the server and the client that `build.rs` generates from `proto/bank.proto`.
pub mod proto {
    #![expect(clippy::allow_attributes_without_reason, reason = "generated code")]
    #![expect(missing_docs, unused_qualifications, reason = "generated code")]

    tonic::include_proto!("bank");
}

pub use self::bank::Account;
pub use self::client::{Customer, StepUp};
pub use self::guard::guard;
pub use self::issuer::Issuer;
pub use self::server::serve;
