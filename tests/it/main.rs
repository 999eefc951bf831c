//! Tests of the crate's behaviour through its public API.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing test should panic at once"
)]

mod api_server;
mod axum_routes;
mod backends;
mod browsers;
mod caches;
mod clients;
mod contract;
mod discovery;
mod events;
mod examples;
mod fuzz_corpus;
mod gateway;
mod grpc;
mod hyper_server;
mod intent_circles;
mod intent_rule;
mod intents;
mod issuer_any_of;
mod issuer_attacks;
mod issuer_challenges;
mod issuer_circles;
mod issuer_hostile;
mod issuer_laws;
mod issuer_methods;
mod issuer_oracle;
mod issuer_profiles;
mod issuer_settings;
mod issuer_simulations;
mod issuer_tokens;
mod issuer_vectors;
mod issuer_verdicts;
mod key_server;
mod logout;
mod nginx;
mod once_races;
mod once_routes;
mod policy_audit;
mod policy_bounds;
mod policy_check;
mod policy_documents;
mod policy_findings;
mod policy_implies;
mod policy_laws;
mod policy_oracle;
mod policy_report;
mod policy_table;
mod projects;
mod protected_resource;
mod provider;
mod proxies;
mod readme;
mod remote_keys;
mod renewal;
mod renewal_attacks;
mod renewal_cache;
mod renewal_faults;
mod renewal_over_http;
mod repeated_tokens;
mod require_with;
mod responders;
mod responses;
mod revocations;
mod scopes;
mod sessions_api;
mod sign_out;
mod sign_out_attacks;
mod sign_out_everywhere;
mod structure;
mod stytch_vector;
mod support;
mod test_kit;
mod token_attacks;
mod token_rules;
mod wire;
