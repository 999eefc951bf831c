//! Simulated issuers whose users' proofs are known. No token is granted what these proofs did not earn.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tower_step_up::issuers::{self, Issuer, oidc};
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::{self, NOW, TestIssuer};
use tower_step_up::{Factor, Session};

use crate::issuer_laws::{clause_of, end};
use crate::issuer_oracle::{Clause, Kind, factor};

/// Something that a user does at an issuer. Each simulation interprets it in its own way.
#[derive(Clone, Debug)]
struct Step {
    /// When, in seconds from now. All times here are in the past, and thus not above zero.
    at: i64,
    choice: Index,
    other: Index,
    /// Whether this is a step-up, a forced login or the like.
    special: bool,
}

/// The steps of a user until the issuer mints the token, the oldest first.
#[derive(Clone, Debug)]
struct Script {
    steps: Vec<Step>,
    /// How the issuer is set up.
    setting: Index,
    /// When the token is minted: at the last step or later.
    minted: i64,
}

fn script() -> impl Strategy<Value = Script> {
    let at = prop_oneof![(-9_i64..1).prop_map(|tens| 10 * tens), -900_i64..1];
    let step = (at.clone(), any::<Index>(), any::<Index>(), any::<bool>())
        .prop_map(|(at, choice, other, special)| Step { at, choice, other, special });
    (prop::collection::vec(step, 1..7), any::<Index>(), at).prop_map(|(mut steps, setting, at)| {
        steps.sort_by_key(|step| step.at);
        let minted = at.max(steps.last().unwrap().at);
        Script { steps, setting, minted }
    })
}

/// Generates a policy of these kinds, without `session_within`: no session here has a start.
fn clause(kinds: &str) -> impl Strategy<Value = Clause> + use<> {
    let kinds: Vec<Kind> = kinds.split(' ').map(str::to_owned).collect();
    let limit = (0_i64..32).prop_map(|half_minutes| 30_000 * half_minutes);
    let leaf = prop_oneof![
        1 => Just(Clause::Session),
        5 => prop::sample::select(kinds).prop_map(Clause::Kind),
        1 => Just(Clause::PhishingResistant),
        2 => (1_usize..4).prop_map(Clause::Independent),
    ];
    let tree = clause_of(leaf, limit.clone());
    prop_oneof![tree.clone(), (limit, tree).prop_map(|it| Clause::Within(it.0, Box::new(it.1)))]
}

/// The true proofs of a user, and the claims of the token.
#[derive(Debug, Default)]
struct Story {
    /// The proofs, and the classes and names that they earned.
    truth: Vec<(Kind, i64)>,
    /// The claims, and `oiat` of the header.
    claims: Value,
}

impl Story {
    /// Adds a proof, or the classes and names that it earned.
    fn earned<const N: usize>(&mut self, kinds: [&str; N], at: i64) {
        self.truth.extend(kinds.map(|kind| (kind.to_owned(), at)));
    }

    /// Returns when something was earned last.
    fn last(&self, kind: &str) -> Option<i64> {
        self.truth.iter().filter(|proof| proof.0 == kind).map(|proof| proof.1).max()
    }

    /// Returns a session with exactly what the user earned.
    fn true_session(&self) -> Session {
        let ago = |at: i64| Duration::from_secs(at.unsigned_abs());
        let signed_in = self.truth.iter().map(|proof| proof.1).max().unwrap();
        let session = testing::session().without_start().signed_in_ago(ago(signed_in));
        let proofs = self.truth.iter().map(|(kind, at)| (factor(kind), ago(*at)));
        proofs.fold(session.ends_in(LIFE), |it, (kind, age)| it.proved_ago(kind, age)).build()
    }

    /// Returns the session that the verifier builds from the token.
    fn session(&self, test: &TestIssuer) -> Session {
        let mut claims = test.claims(&testing::session());
        claims.insert("exp".into(), time(60_000));
        claims.extend(self.claims.as_object().unwrap().clone());
        let mut header = json!({"alg": "EdDSA", "kid": test.kid(), "typ": "JWT"});
        claims.remove("oiat").into_iter().for_each(|at| header["oiat"] = at);
        let token = test.sign(&header.to_string(), &Value::from(claims).to_string());
        test.verifier().verify_at(&token, NOW).unwrap()
    }
}

/// The longest life of the tokens. All limits are shorter.
const LIFE: Duration = Duration::from_secs(70_000);

fn time(at: i64) -> Value {
    (NOW.unix_timestamp() + at).into()
}

/// The law: what a policy grants to a token, it grants to the truth, and for at least as long.
struct Law {
    story: fn(&Script) -> Story,
    /// The kinds that policies name.
    kinds: &'static str,
}

impl Law {
    /// Checks the law, and that it does not hold only because little is granted.
    #[track_caller]
    fn holds(&self, issuer: Issuer) {
        let grants = self.check(issuer, 10_000).unwrap_or_else(|error| panic!("{error}"));
        assert!(grants > 800, "only {grants} grants");
    }

    /// Checks that the law does not hold for an issuer that is declared to state more than it does.
    #[track_caller]
    fn fails(&self, issuer: Issuer) {
        assert!(self.check(issuer, 0).is_err_and(|error| error.contains("but earned")));
    }

    /// Returns how many grants of a thousand tokens were earned, or the first that was not.
    fn check(&self, issuer: Issuer, max_shrink_iters: u32) -> Result<u32, String> {
        let issuer = issuer.algorithms([Algorithm::EdDsa]).longest_life(LIFE);
        let test = TestIssuer::standing_in_for(issuer).unwrap();
        let grants = Cell::new(0);
        let config = ProptestConfig { max_shrink_iters, ..ProptestConfig::with_cases(1_000) };
        let cases = (script(), prop::collection::vec(clause(self.kinds), 6));
        let result = TestRunner::new(config).run(&cases, |(script, clauses)| {
            let story = (self.story)(&script);
            let (session, truth) = (story.session(&test), story.true_session());
            for policy in clauses.iter().map(Clause::policy) {
                let (said, earned) = (end(&policy, &session), end(&policy, &truth));
                prop_assert!(said <= earned, "{policy}: {said:?} but earned {earned:?}: {story:?}");
                grants.set(grants.get() + u32::from(said.is_some()));
            }
            Ok(())
        });
        result.map(|()| grants.get()).map_err(|error| error.to_string())
    }
}

/// Simulates an OpenID Connect provider. Every sign-in moves `auth_time`. A step-up asks only for what
/// is missing, and moves `auth_time` or not. `amr` leaves names out. A refresh moves `iat`.
fn openid_connect(script: &Script) -> Story {
    let otp = *script.setting.get(&["totp", "otp/sms", "otp/email"]);
    let methods = [("pwd", "password"), ("otp", otp), ("sms", "otp/sms"), ("tel", "otp/call")];
    let (mut story, mut names) = (Story::default(), BTreeSet::new());
    let (mut auth_time, mut acr) = (0, "silver");
    for (place, step) in script.steps.iter().enumerate() {
        let steps_up = place > 0 && step.special;
        let mut asked = vec![*step.choice.get(&methods)];
        if steps_up {
            acr = "gold";
            asked = vec![("pwd", "password"), ("otp", "totp")];
            asked.retain(|(_, kind)| story.last(kind).is_none());
        }
        for (name, kind) in asked {
            story.earned([kind, &format!("amr:{name}"), "acr:silver"], step.at);
            names.extend((step.other.index(3) > 0).then_some(name));
            auth_time = if steps_up && step.choice.index(2) == 0 { auth_time } else { step.at };
        }
        if steps_up {
            story.earned(["acr:gold"], story.last("password").max(story.last("totp")).unwrap());
        }
    }
    let (iat, auth_time) = (time(script.minted), time(auth_time));
    story.claims = json!({"iat": iat, "auth_time": auth_time, "amr": names, "acr": acr});
    story
}

#[test]
fn an_openid_connect_token_is_granted_no_more_than_was_earned() {
    let kinds = "password otp/sms otp/email totp otp/call acr:silver acr:gold amr:pwd amr:otp";
    let law = Law { story: openid_connect, kinds };
    let issuer = oidc::access_tokens("https://as.example", "api")
        .amr("otp", [Factor::Totp, Factor::OtpSms, Factor::OtpEmail])
        .acr_values(["silver", "gold"])
        .acr("gold", [[Factor::Password, Factor::Totp]]);
    law.holds(issuer.clone());
    law.fails(issuer.clone().auth_time_covers_all());
    law.fails(issuer.narrow("otp", [Factor::OtpSms]));
}

/// Simulates a Keycloak realm. A login of any client, at any level, moves `auth_time` if it asks for
/// anything. The level is kept for each client, and a request at silver is answered silver.
fn keycloak(script: &Script) -> Story {
    let (mut story, mut auth_time, mut acr) = (Story::default(), 0, "");
    let classes = [("acr:silver", "password"), ("acr:gold", "totp")];
    for (place, step) in script.steps.iter().enumerate() {
        let (level, reaches) = *step.choice.get(&[("silver", 1), ("gold", 2)]);
        for (class, kind) in classes.into_iter().take(reaches) {
            // A level that was reached is asked for again only if the login is forced.
            if step.special || story.last(class).is_none() {
                story.earned([kind, class], step.at);
                auth_time = step.at;
            }
        }
        // The other logins are those of another client.
        if place == 0 || step.other.index(2) == 0 {
            acr = level;
        }
    }
    story.claims = json!({"iat": time(script.minted), "auth_time": time(auth_time), "acr": acr});
    story
}

#[test]
fn a_keycloak_token_is_granted_no_more_than_was_earned() {
    let law = Law { story: keycloak, kinds: "password totp acr:silver acr:gold" };
    let realm = issuers::keycloak("https://login.example/realms/r", "api");
    let realm =
        realm.acr_values(["silver", "gold"]).acr("gold", [[Factor::Password, Factor::Totp]]);
    law.holds(realm.clone());
    law.fails(realm.auth_time_covers([factor("acr:gold")]));
}

/// Simulates a Supabase project. It keeps one row for each name, so the latest `otp` hides an earlier
/// one over another channel. A hook may write the names without their times.
fn supabase(script: &Script) -> Story {
    let methods: [(&str, &[&str], &str); 6] = [
        ("password", &["password"], "aal1"),
        ("otp", &["otp/sms", "otp/whatsapp", "otp/email"], "aal1"),
        ("passkey", &["webauthn"], "aal1"),
        ("totp", &["totp"], "aal2"),
        ("mfa/phone", &["otp/sms", "otp/whatsapp"], "aal2"),
        ("token_refresh", &[], "aal1"),
    ];
    let (mut story, mut rows, mut aal) = (Story::default(), BTreeMap::new(), "aal1");
    for (place, step) in script.steps.iter().enumerate() {
        // A session begins with a first factor.
        let (name, kinds, level) = methods[step.choice.index(if place == 0 { 3 } else { 6 })];
        rows.insert(name, step.at);
        if !kinds.is_empty() {
            let kind = kinds[step.other.index(kinds.len())];
            story.earned([kind, &format!("amr:{name}"), &format!("acr:{level}")], step.at);
            aal = aal.max(level);
        }
    }
    let entry = |(name, at): (&&str, &i64)| match script.setting.index(4) {
        0 => json!(name),
        _ => json!({"method": name, "timestamp": time(*at)}),
    };
    let amr: Vec<_> = rows.iter().map(entry).collect();
    story.claims = json!({"iat": time(script.minted), "amr": amr, "aal": aal});
    story
}

#[test]
fn a_supabase_token_is_granted_no_more_than_was_earned() {
    let kinds = "password otp/sms otp/email webauthn totp acr:aal1 acr:aal2 amr:otp";
    let law = Law { story: supabase, kinds };
    let project = issuers::supabase("https://ref.supabase.co");
    law.holds(project.clone());
    law.fails(project.narrow("otp", [Factor::OtpSms]));
}

/// Simulates a Clerk application. A slot keeps its latest verification, in minutes that are rounded
/// down, up or to the nearest. `iat` may be later than the time at which the claims were assembled.
fn clerk(script: &Script) -> Story {
    let slots: [(&str, &[&str]); 2] = [
        ("amr:first_factor", &["password", "otp/sms"]),
        ("amr:second_factor", &["otp/sms", "totp", "recovery_codes"]),
    ];
    let mut story = Story::default();
    for (place, step) in script.steps.iter().enumerate() {
        let (slot, kinds) = slots[if place == 0 { 0 } else { step.choice.index(2) }];
        story.earned([kinds[step.other.index(kinds.len())], slot], step.at);
    }
    let assembled = script.steps.last().filter(|it| it.special).map_or(script.minted, |it| it.at);
    let minutes = |age: i64| (age + script.setting.get(&[0, 30, 59])) / 60;
    let fva = slots.map(|(slot, _)| story.last(slot).map_or(-1, |at| minutes(assembled - at)));
    // The header says when the claims were assembled, if that was before `iat`.
    let oiat = (assembled < script.minted).then(|| time(assembled));
    story.claims = json!({"iat": time(script.minted), "fva": fva, "oiat": oiat});
    story
}

#[test]
fn a_clerk_token_is_granted_no_more_than_was_earned() {
    let kinds = "password otp/sms totp recovery_codes amr:first_factor amr:second_factor";
    let law = Law { story: clerk, kinds };
    let application = issuers::clerk("https://clerk.example", ["https://app.example"])
        .amr("first_factor", [Factor::Password, Factor::OtpSms]);
    law.holds(application.clone());
    law.fails(application.narrow("second_factor", [Factor::Totp]));
}
