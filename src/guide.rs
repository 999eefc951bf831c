//! Guides: how to use the crate, from the first route to a server in production.
//!
//! Their code is tested with the rest of the documentation.
//!
//! | guide | subject |
//! | --- | --- |
//! | [Getting started](getting_started) | projects, credentials, features, Stytch without an account |
//! | [Where to put the guard](placing_the_guard) | routes, other layers, gateways |
//! | [Browsers](browsers) | redirects, cookies, CORS |
//! | [Clients](clients) | what a client does on each answer, in JavaScript and Rust |
//! | [A session's life](sessions) | renewal, step-up, sign-out, revocation |
//! | [Policies and their review](policies) | idioms, policy files, audits |
//! | [A proof for one action](one_action) | a fresh proof for a payment or a deletion, and what it proves |
//! | [What each factor proves](factors) | the table behind `mfa` |
//! | [Issuers other than Stytch](issuers) | what their tokens prove, profiles, several issuers |
//! | [More issuers](more_issuers) | Zitadel, authentik and Logto: profiles to copy |
//! | [Testing](testing) | policies and routes |
//! | [Operating](operating) | logs, health, outages |
//! | [What it costs](cost) | time, memory, benchmarks |
//! | [Comparison](comparison) | other ways to require a second factor |

/// Declares a module for each guide, whose text is its documentation.
macro_rules! guides {
    ($($name:ident = $file:literal),+ $(,)?) => {$(
        pub mod $name {
            #![doc = include_str!(concat!("../docs/guide/", $file))]
            #[allow(unused_imports, reason = "the links in the text resolve through it")]
            use crate::*;
        }
    )+};
}

guides! {
    getting_started = "getting-started.md",
    placing_the_guard = "placing-the-guard.md",
    browsers = "browsers.md",
    clients = "clients.md",
    sessions = "sessions.md",
    policies = "policies.md",
    one_action = "one-action.md",
    factors = "factors.md",
    issuers = "issuers.md",
    testing = "testing.md",
    operating = "operating.md",
    cost = "cost.md",
    comparison = "comparison.md",
}

pub mod more_issuers {
    // In the documentation, the link leads to the code below.
    #![doc = "[`more_issuers`]: #the-profiles\n"]
    #![doc = include_str!("../docs/guide/more-issuers.md")]
    #![doc = "```rust"]
    #![doc = include_str!("../examples/more_issuers.rs")]
    #![doc = "```"]
    #[allow(unused_imports, reason = "the links in the text resolve through it")]
    use crate::*;
}
