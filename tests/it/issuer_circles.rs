//! Nobody is sent in circles: a client that comes back in time with a token that answers the challenge
//! is served. The providers of these tests do the least that the challenge asks for, and their clocks
//! are as wrong as the leeway allows.

mod presets;

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use tower_step_up::issuers;
use tower_step_up::keys::Algorithm;
use tower_step_up::policy::AuthenticationRequest;
use tower_step_up::testing::{NOW, TestIssuer};
use tower_step_up::{Factor, Policy, Session, Shortfall};

use crate::issuer_laws::clause_of;
use crate::issuer_oracle::{Clause, Declared, Kind, LEEWAY, Token};

/// The limits of the policies, in milliseconds.
const LIMITS: [i64; 11] =
    [5_000, 12_000, 13_000, 20_000, 30_500, 60_000, 90_000, 130_000, 300_000, 600_000, 3_600_000];
const LEVELS: [&str; 3] = ["bronze", "silver", "gold"];

fn clause(kinds: &'static [&'static str]) -> impl Strategy<Value = Clause> {
    let limit = prop::sample::select(&LIMITS[..]);
    let leaf = prop_oneof![
        2 => Just(Clause::Session),
        5 => prop::sample::select(kinds).prop_map(|kind| Clause::Kind(kind.to_owned())),
        1 => Just(Clause::PhishingResistant),
        3 => (1_usize..3).prop_map(Clause::Independent),
        1 => limit.clone().prop_map(Clause::SessionWithin),
    ];
    clause_of(leaf, limit)
}

/// Returns how long a client may take to come back, or `None` if it cannot be in time.
fn time_to_return(limit: Option<i64>) -> Option<i64> {
    let grace = limit.map_or(60_000, |limit| (limit / 2).min(60_000));
    Some(grace - LEEWAY - 1_000).filter(|time| *time >= 0)
}

/// Returns the limit that a `max_age` was made from.
fn limit_of(request: &AuthenticationRequest) -> Option<i64> {
    let max_age = i64::try_from(request.max_age?).unwrap();
    let of = |limit: &i64| (limit - (limit / 2).min(60_000)) / 1_000;
    Some(LIMITS.into_iter().find(|limit| of(limit) == max_age).expect("a limit of the policy"))
}

/// Returns whether a policy is met after this many milliseconds.
fn is_served(policy: &Policy, session: &Session, after: i64) -> bool {
    policy.evaluate(session, NOW + time::Duration::milliseconds(after)).is_ok()
}

fn refusal(policy: &Policy, session: &Session) -> Option<Shortfall> {
    policy.evaluate(session, NOW).err()
}

/// Rounds a time down to seconds, as issuers do.
fn rounded(at: i64) -> i64 {
    at.div_euclid(1_000) * 1_000
}

/// Generates the difference of a provider's clock from the service's.
fn skew() -> impl Strategy<Value = i64> {
    prop_oneof![Just(-LEEWAY), Just(LEEWAY), -LEEWAY..=LEEWAY]
}

mod authentication_requests {
    use super::*;

    const KINDS: &[&str] =
        &["acr:bronze", "acr:silver", "acr:gold", "amr:mfa", "password", "totp", "otp/sms"];

    /// Generates the guarantee of each level, in a ladder or not, and what `auth_time` covers.
    fn declared() -> impl Strategy<Value = Declared> {
        let kind =
            prop::sample::select(&["password", "totp", "otp/sms", "webauthn", "amr:mfa"][..]);
        let list = prop::collection::vec(kind.prop_map(str::to_owned), 1..3);
        let mapped = prop::option::of(prop::collection::vec(list, 1..3));
        let mapped = prop::collection::vec(mapped, LEVELS.len());
        (mapped, any::<bool>(), any::<bool>()).prop_map(|(mapped, ladder, covers_all)| {
            let mut declared = Declared { covers_all, ..Declared::default() };
            for (place, (level, mapped)) in LEVELS.iter().zip(mapped).enumerate() {
                let lower = LEVELS.iter().take(if ladder { place } else { 0 });
                let lower: BTreeSet<_> = lower.map(|level| (*level).to_owned()).collect();
                declared.classes.insert((*level).to_owned(), lower);
                declared.mapped.extend(mapped.map(|mapped| ((*level).to_owned(), mapped)));
            }
            declared
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whoever_does_what_the_challenge_asks_is_served(declared in declared(),
            clause in clause(KINDS), before in prop::sample::select(&["0", "bronze", "silver", "gold"][..]),
            signed_in in -5_000_000_i64..0, skew in skew(), which in any::<prop::sample::Index>(),
            higher in any::<prop::sample::Index>(), more in any::<bool>(), lazy in any::<bool>()) {
            let policy = clause.policy();
            let token = Token { auth_time: Some(signed_in), acr: Some(before.to_owned()), ..Token::default() };
            let Some(shortfall) = refusal(&policy, &declared.session(&token)) else { return Ok(()) };
            let prompts = shortfall.prompts();
            prop_assert!(prompts.sets().is_empty() && !prompts.needs_restart());
            prop_assert_eq!(prompts.is_retryable(), shortfall.authentication_request().is_some());
            let Some(request) = shortfall.authentication_request() else { return Ok(()) };

            // The provider answers with one of the values, or with one that includes it.
            let acr = (!request.acr_values.is_empty()).then(|| {
                let asked = which.get(&request.acr_values);
                let includes = |level: &&str| **level == **asked || declared.classes[*level].contains(&**asked);
                let answers: Vec<_> = LEVELS.into_iter().filter(includes).collect();
                (*higher.get(&answers)).to_owned()
            });
            // A lazy provider asks again only if the sign-in is older than `max_age`.
            let max_age = request.max_age.map(|max_age| i64::try_from(max_age).unwrap() * 1_000);
            let auth_time = match (max_age, lazy) {
                (Some(max_age), true) => rounded(skew - max_age).max(signed_in),
                (Some(_), false) => rounded(skew),
                (None, _) => signed_in,
            };
            let amr = if more { vec![("mfa".to_owned(), None)] } else { Vec::new() };
            let answer = Token { auth_time: Some(auth_time), acr, amr, ..Token::default() };
            let after = time_to_return(limit_of(request)).expect("time to come back");
            prop_assert!(is_served(&policy, &declared.session(&answer), after), "{} {:?}", policy, request);
        }
    }
}

/// An issuer that is asked for methods.
pub(crate) mod methods {
    use super::*;

    pub(crate) const NAMES: [(&str, &[&str]); 4] = [
        ("pwd", &["password"]),
        ("app", &["totp"]),
        ("otp", &["otp/sms", "otp/email"]),
        ("odd", &[]),
    ];
    pub(crate) const KINDS: &[&str] =
        &["password", "totp", "otp/sms", "otp/email", "amr:odd", "amr:otp"];

    /// Returns what these names mean.
    pub(crate) fn declared() -> Declared {
        let kinds = |kinds: &[&str]| kinds.iter().map(|kind| Kind::from(*kind)).collect();
        let names = NAMES.iter().map(|(name, factors)| ((*name).to_owned(), kinds(factors)));
        Declared { names: names.collect(), ..Declared::default() }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whoever_uses_the_methods_of_a_prompt_is_served(clause in clause(KINDS),
            before in prop::collection::vec((0_usize..NAMES.len(), -900_000_i64..0), 0..3), skew in skew(),
            which in any::<prop::sample::Index>()) {
            let declared = declared();
            let all = NAMES.map(|(name, _)| name);
            let mut amr: Vec<_> =
                before.iter().map(|(name, at)| (NAMES[*name].0.to_owned(), Some(*at))).collect();
            let token = Token { amr: amr.clone(), ..Token::default() };
            let policy = clause.policy();
            let Some(shortfall) = refusal(&policy, &declared.session_by_methods(&token, &all)) else { return Ok(()) };
            prop_assert!(shortfall.authentication_request().is_none());
            let Some(after) = time_to_return(clause.smallest_limit()) else { return Ok(()) };
            let prompts = shortfall.prompts();
            if prompts.sets().is_empty() {
                return Ok(());
            }
            for prompt in which.get(prompts.sets()) {
                amr.push((prompt.method.as_deref().unwrap().to_owned(), Some(rounded(skew))));
            }
            let answer = declared.session_by_methods(&Token { amr, ..Token::default() }, &all);
            prop_assert!(is_served(&policy, &answer, after), "{} {:?}", policy, prompts.sets());
        }
    }
}

mod clerk {
    use super::*;

    const KINDS: &[&str] =
        &["amr:first_factor", "amr:second_factor", "password", "totp", "otp/sms"];

    static CLERK: LazyLock<TestIssuer> = LazyLock::new(|| {
        let clerk = issuers::clerk("https://clerk.app.example", ["https://app.example"])
            .amr("first_factor", [Factor::Password])
            .narrow("second_factor", [Factor::Totp, Factor::OtpSms])
            .algorithms([Algorithm::EdDsa]);
        TestIssuer::standing_in_for(clerk).unwrap()
    });

    /// Returns the session of a token with these ages in minutes, issued at this time.
    fn session(fva: [i64; 2], issued_at: i64) -> Session {
        let iat = NOW.unix_timestamp() + issued_at / 1_000;
        CLERK.session_with(&json!({"fva": fva, "iat": iat, "nbf": iat - 10}))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn whoever_reverifies_is_served_or_told_once_to_enrol(clause in clause(KINDS),
            first in 0_i64..90, second in prop_oneof![Just(-1_i64), 0_i64..90], skew in skew(),
            age in 0_i64..60, is_enrolled in any::<bool>()) {
            let policy = clause.policy();
            let Some(shortfall) = refusal(&policy, &session([first, second], rounded(skew))) else { return Ok(()) };
            let Some(after) = time_to_return(clause.smallest_limit()) else { return Ok(()) };
            let prompts = shortfall.prompts();
            prop_assert!(!prompts.needs_restart() && shortfall.authentication_request().is_none());
            let Some(set) = prompts.sets().first() else { return Ok(()) };
            let asked = |name| set.iter().any(|prompt| prompt.method.as_deref() == Some(name));

            // The token is issued now, up to a minute after the verification, which it rounds to 0.
            let age = age.min(after / 1_000);
            let is_missing = asked("second_factor") && second == -1 && !is_enrolled;
            let was_verified = |name, old: i64| if asked(name) { 0 } else if old < 0 { old } else { old + 1 };
            let fva = match is_missing {
                true => [0, -1],
                false => [was_verified("first_factor", first), was_verified("second_factor", second)],
            };
            let answer = session(fva, rounded(skew));
            if is_missing {
                let Some(again) = refusal(&policy, &answer) else { return Ok(()) };
                prop_assert!(again.prompts().needs_enrolment() || again.prompts().sets().is_empty());
            } else {
                prop_assert!(is_served(&policy, &answer, after - 1_000 * age), "{} {:?} {:?}", policy, set, fva);
            }
        }
    }
}

#[test]
fn a_restart_is_not_asked_for_if_a_new_session_would_say_as_little() {
    let silver = [("silver".to_owned(), BTreeSet::new())];
    let declared = Declared { classes: silver.into(), ..Declared::default() };
    let minute = Duration::from_secs(60);
    let token = Token {
        started: Some(-900_000),
        acr: Some("silver".to_owned()),
        amr: vec![("undated".to_owned(), None), ("dated".to_owned(), Some(-900_000))],
        ..Token::default()
    };
    let session = declared.session_by_methods(&token, &["app"]);
    for (policy, want) in [
        // The issuer states no time for these two.
        (Policy::acr("silver").within(minute), false),
        (Policy::amr("undated").within(minute), false),
        (Policy::amr("dated").within(minute), true),
        (Policy::acr("silver").and(Policy::session_within(minute)), true),
    ] {
        let shortfall = policy.evaluate(&session, NOW).unwrap_err();
        assert_eq!(shortfall.prompts().needs_restart(), want, "{policy}");
        assert!(!shortfall.prompts().is_retryable());
    }
}

/// Each policy has more limits than a person would write. Any of them can be the one to ask for.
#[test]
fn the_longest_of_many_limits_that_suffices_is_asked_for() {
    let declared = Declared::default();
    let within = |minutes: u64| Policy::session().within(Duration::from_secs(60 * minutes));
    let session = declared.session(&Token::default());
    for wanted in 2..40 {
        let any = Policy::try_any_of((2..40).map(within)).unwrap();
        let policy = within(wanted).and(any);
        let shortfall = policy.evaluate(&session, NOW).unwrap_err();
        let request = shortfall.authentication_request().unwrap();
        assert_eq!(request.max_age, Some(60 * wanted - 60));
    }
}

#[test]
fn a_limit_that_leaves_no_time_to_come_back_is_not_asked_for() {
    let declared = Declared::default();
    for (limit, want) in
        [(0, None), (1, None), (11, None), (12, None), (13, Some(6)), (14, Some(7))]
    {
        let policy = Policy::session().within(Duration::from_secs(limit));
        let session = declared.session(&Token { auth_time: Some(-900_000), ..Token::default() });
        let shortfall = policy.evaluate(&session, NOW).unwrap_err();
        let request = shortfall.authentication_request();
        assert_eq!(request.map(|request| request.max_age), want.map(Some), "{limit}");
    }
}
