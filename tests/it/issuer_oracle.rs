//! A naive reading of the tokens of issuers other than Stytch. It lists every reading of a token and
//! judges each one by brute force. It shares no code with the crate. Times are in milliseconds from
//! now.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tower_step_up::factor::Assertion;
use tower_step_up::issuers::Issuer;
use tower_step_up::keys::Algorithm;
use tower_step_up::profile::{ClaimError, Claims, Evidence, Profile, StepUpBy};
use tower_step_up::testing::{self, NOW, SessionBuilder, TestIssuer};
use tower_step_up::{Clock, Factor, Policy, Session, StepUpLayer};

use std::sync::LazyLock;

pub(crate) const LEEWAY: i64 = 5_000;

/// A factor by its name, an assertion such as `acr:gold`, or `sign-in`.
pub(crate) type Kind = String;
/// A kind, and when it was proved. `None` if the token does not say.
pub(crate) type Proof = (Kind, Option<i64>);
/// What one reading of a token proves.
pub(crate) type Reading = Vec<Proof>;

/// The factors that names can mean, each with the compromises that let an attacker present it:
/// `p`assword, `m`ailbox, `i`dentity provider, phone `n`umber, `d`evice, recovery `c`odes.
pub(crate) const FACTORS: [(&str, &str); 9] = [
    ("password", "pmi"),
    ("otp/sms", "n"),
    ("otp/email", "mi"),
    ("totp", "dc"),
    ("webauthn", "d"),
    ("recovery_codes", "c"),
    ("federated", "im"),
    ("otp/call", "n"),
    ("phishing_resistant_key", "d"),
];

/// The declarations of an application about an issuer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declared {
    /// What each name in `amr` can mean.
    pub(crate) names: BTreeMap<String, Vec<Kind>>,
    /// The values of `acr` that are declared, with the values that each includes.
    pub(crate) classes: BTreeMap<String, BTreeSet<String>>,
    /// The guarantee of a value of `acr`: one of these lists.
    pub(crate) mapped: BTreeMap<String, Vec<Vec<Kind>>>,
    /// The kinds that `auth_time` covers.
    pub(crate) covered: BTreeSet<Kind>,
    pub(crate) covers_all: bool,
}

/// A token, as the issuer's claims state it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Token {
    pub(crate) auth_time: Option<i64>,
    pub(crate) started: Option<i64>,
    pub(crate) amr: Vec<(String, Option<i64>)>,
    pub(crate) acr: Option<String>,
}

/// Returns every reading of a token.
pub(crate) fn readings(declared: &Declared, token: &Token) -> Vec<Reading> {
    let (certain, choices) = evidence(declared, token);
    product(&certain, &choices)
}

/// Returns what a token proves for certain, and the alternatives of each choice.
fn evidence(declared: &Declared, token: &Token) -> (Reading, Vec<Vec<Reading>>) {
    let dated = |kind: &Kind, at: Option<i64>| {
        let covers = declared.covers_all || declared.covered.contains(kind);
        (kind.clone(), if at.is_none() && covers { token.auth_time } else { at })
    };
    let sign_in = |at: Option<i64>| ("sign-in".to_owned(), at);
    let mut certain = vec![sign_in(None), sign_in(token.auth_time)];
    let mut choices = Vec::new();
    let mut names: BTreeMap<&str, Option<i64>> = BTreeMap::new();
    let mut order = Vec::new();
    for (name, at) in token.amr.iter().filter(|(name, _)| !name.is_empty()) {
        if !names.contains_key(&**name) {
            order.push(&**name);
        }
        let known = names.entry(name).or_default();
        *known = (*known).max(*at);
    }
    for name in order {
        let at = names[name];
        certain.push(sign_in(at));
        certain.push(dated(&format!("amr:{name}"), at));
        let kinds = declared.names.get(name).into_iter().flatten();
        choices.push(kinds.map(|kind| vec![dated(kind, at)]).collect::<Vec<_>>());
    }
    if let Some(value) = &token.acr
        && let Some(included) = declared.classes.get(value)
    {
        for value in included.iter().chain([value]) {
            certain.push(dated(&format!("acr:{value}"), None));
        }
        let mapped = declared.mapped.get(value).into_iter().flatten();
        let alternative = |kinds: &Vec<Kind>| kinds.iter().map(|kind| dated(kind, None)).collect();
        choices.push(mapped.map(alternative).collect());
    }
    choices.retain(|alternatives| !alternatives.is_empty());
    (certain, choices)
}

fn product(certain: &Reading, choices: &[Vec<Reading>]) -> Vec<Reading> {
    choices.iter().fold(vec![certain.clone()], |readings, alternatives| {
        let with = |reading: &Reading| {
            alternatives.iter().map(|more| [&reading[..], &more[..]].concat()).collect::<Vec<_>>()
        };
        readings.iter().flat_map(with).collect()
    })
}

/// Returns at most 64 readings: the first of the longest choices is replaced by what its alternatives
/// have in common, until few enough are left.
pub(crate) fn capped_readings(declared: &Declared, token: &Token) -> Vec<Reading> {
    let (mut certain, mut choices) = evidence(declared, token);
    while choices.iter().map(Vec::len).product::<usize>() > 64 {
        let longest = choices.iter().map(Vec::len).max().unwrap();
        let first = choices.iter().position(|one| one.len() == longest).unwrap();
        let alternatives = choices.remove(first);
        for (kind, _) in &alternatives[0] {
            let freshest = |one: &Reading| {
                let counts = |proof: &&Proof| proof.0 == *kind && proof.1 <= Some(LEEWAY);
                one.iter().filter(counts).map(|proof| proof.1).max()
            };
            let dates: Option<Vec<_>> = alternatives.iter().map(freshest).collect();
            certain.extend(dates.map(|dates| (kind.clone(), dates.into_iter().min().unwrap())));
        }
    }
    product(&certain, &choices)
}

/// A demand. Limits are in milliseconds.
#[derive(Clone, Debug)]
pub(crate) enum Clause {
    Session,
    Kind(Kind),
    PhishingResistant,
    Independent(usize),
    SessionWithin(i64),
    AllOf(Vec<Clause>),
    AnyOf(Vec<Clause>),
    AtLeast(usize, Vec<Clause>),
    Within(i64, Box<Clause>),
}

impl Clause {
    pub(crate) fn policy(&self) -> Policy {
        let list = |clauses: &[Self]| clauses.iter().map(Self::policy).collect::<Vec<_>>();
        match self {
            Self::Session => Policy::session(),
            Self::Kind(kind) => Policy::factor(factor(kind)),
            Self::PhishingResistant => Policy::phishing_resistant(),
            Self::Independent(needed) => Policy::independent(*needed),
            Self::SessionWithin(limit) => Policy::session_within(millis(*limit)),
            Self::AllOf(clauses) => Policy::try_all_of(list(clauses)).unwrap(),
            Self::AnyOf(clauses) => Policy::try_any_of(list(clauses)).unwrap(),
            Self::AtLeast(needed, clauses) => Policy::try_at_least(*needed, list(clauses)).unwrap(),
            Self::Within(limit, clause) => clause.policy().within(millis(*limit)),
        }
    }

    /// Returns the smallest limit in the clause.
    pub(crate) fn smallest_limit(&self) -> Option<i64> {
        match self {
            Self::Within(limit, inner) => inner.smallest_limit().into_iter().chain([*limit]).min(),
            Self::SessionWithin(limit) => Some(*limit),
            Self::AllOf(list) | Self::AnyOf(list) | Self::AtLeast(_, list) => {
                list.iter().filter_map(Self::smallest_limit).min()
            }
            _ => None,
        }
    }

    /// Returns whether the clause holds at `at` in a reading, in a session that began at `started`.
    /// Whether a date is too far ahead is decided now.
    pub(crate) fn holds(&self, reading: &Reading, started: Option<i64>, at: i64) -> bool {
        self.holds_within(reading, started, at, None)
    }

    fn holds_within(
        &self,
        reading: &Reading,
        started: Option<i64>,
        at: i64,
        limit: Option<i64>,
    ) -> bool {
        let kinds = |limit: Option<i64>| -> BTreeSet<&str> {
            let counts = |date: Option<i64>| match (date, limit) {
                (Some(date), _) if date > LEEWAY => false,
                (Some(date), Some(limit)) => (at - date).max(0) <= limit,
                (date, limit) => date.is_some() || limit.is_none(),
            };
            reading.iter().filter(|proof| counts(proof.1)).map(|proof| &*proof.0).collect()
        };
        let tighter = |own: i64| limit.map_or(own, |outer| outer.min(own));
        let count = |clauses: &[Self]| {
            let holds = |clause: &&Self| clause.holds_within(reading, started, at, limit);
            clauses.iter().filter(holds).count()
        };
        match self {
            Self::Session => !kinds(limit).is_empty(),
            Self::Kind(kind) => kinds(limit).contains(&**kind),
            Self::PhishingResistant => {
                let kinds = kinds(limit);
                kinds.contains("webauthn") || kinds.contains("phishing_resistant_key")
            }
            Self::Independent(needed) => strength(&kinds(limit)) >= *needed,
            Self::SessionWithin(own) => {
                let is_young = |started: i64| started <= LEEWAY && at - started <= tighter(*own);
                !kinds(None).is_empty() && started.is_some_and(is_young)
            }
            Self::AllOf(clauses) => count(clauses) == clauses.len(),
            Self::AnyOf(clauses) => count(clauses) >= 1,
            Self::AtLeast(needed, clauses) => count(clauses) >= *needed,
            Self::Within(own, clause) => {
                clause.holds_within(reading, started, at, Some(tighter(*own)))
            }
        }
    }
}

/// Returns the smallest number of compromises that together let an attacker present every factor.
/// Anyone can present an assertion.
fn strength(kinds: &BTreeSet<&str>) -> usize {
    let mask = |row: &str| row.bytes().map(|one| 1_u32 << (one - b'a')).sum::<u32>();
    let rows: Vec<_> =
        FACTORS.iter().filter(|it| kinds.contains(it.0)).map(|it| mask(it.1)).collect();
    let compromises: Vec<_> = "pmindc".bytes().map(|one| 1_u32 << (one - b'a')).collect();
    let attackers = (0..64_u32).map(|bits| {
        let held = compromises.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
        (bits.count_ones(), held.map(|it| it.1).sum::<u32>())
    });
    let enough = attackers.filter(|(_, held)| rows.iter().all(|row| row & held != 0));
    enough.map(|(size, _)| size as usize).min().unwrap()
}

pub(crate) fn factor(kind: &str) -> Factor {
    match kind.split_once(':') {
        Some(("acr", value)) => Factor::Asserted(Assertion::acr(value)),
        Some(("amr", name)) => Factor::Asserted(Assertion::amr(name)),
        _ => kind.parse().unwrap(),
    }
}

pub(crate) fn millis(millis: i64) -> Duration {
    Duration::from_millis(millis.unsigned_abs())
}

/// The issuer whose key signs the tokens of all cases.
static SIGNER: LazyLock<TestIssuer> = LazyLock::new(|| {
    let issuer = Issuer::new(ISSUER, Layout).audience("api").algorithms([Algorithm::EdDsa]);
    TestIssuer::standing_in_for(issuer).unwrap()
});
const ISSUER: &str = "https://as.example";

/// A reader of OpenID Connect's claims, and of names with times.
#[derive(Clone, Copy)]
struct Layout;

impl Profile for Layout {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let mut evidence = Evidence::signed_in(claims.time("auth_time")?);
        for entry in claims.entries("amr", "name", "at")? {
            evidence.amr(&entry.name, entry.at);
        }
        claims.text("acr")?.iter().for_each(|value| evidence.acr(value));
        Ok(evidence.started_at(claims.time("started")?))
    }
}

impl Declared {
    fn issuer(&self) -> Issuer {
        let factors = |kinds: &Vec<Kind>| kinds.iter().map(|kind| factor(kind)).collect::<Vec<_>>();
        let issuer = Issuer::new(ISSUER, Layout)
            .audience("api")
            .keys(SIGNER.clone())
            .algorithms([Algorithm::EdDsa])
            .longest_life(Duration::from_secs(10_000_000));
        let named = self.names.iter().filter(|(_, kinds)| !kinds.is_empty());
        let issuer = named.fold(issuer, |issuer, (name, kinds)| issuer.amr(name, factors(kinds)));
        let values = self.classes.keys();
        let issuer = values.fold(issuer, |issuer, value| issuer.acr_values([&**value]));
        let issuer = self.classes.iter().fold(issuer, |issuer, (value, included)| {
            issuer.acr_includes(value, included.iter().map(|value| &**value))
        });
        let issuer = self.mapped.iter().fold(issuer, |issuer, (value, alternatives)| {
            issuer.acr(value, alternatives.iter().map(factors))
        });
        let covered: Vec<_> = self.covered.iter().map(|kind| factor(kind)).collect();
        let issuer = issuer.auth_time_covers(covered);
        if self.covers_all { issuer.auth_time_covers_all() } else { issuer }
    }

    /// Mints the token, and returns the session that a verifier with these declarations builds.
    pub(crate) fn session(&self, token: &Token) -> Session {
        self.session_of(self.issuer(), token)
    }

    /// Returns the session like [`session`](Self::session), of an issuer that can be asked for these
    /// methods.
    pub(crate) fn session_by_methods(&self, token: &Token, names: &[&str]) -> Session {
        let names = StepUpBy::methods(names.iter().copied());
        self.session_of(self.issuer().step_up_by(names), token)
    }

    /// Returns the session like [`session`](Self::session), if a name is narrowed too.
    pub(crate) fn narrowed_session(&self, token: &Token, name: &str, kinds: &[Kind]) -> Session {
        let kinds: Vec<_> = kinds.iter().map(|kind| factor(kind)).collect();
        self.session_of(self.issuer().narrow(name, kinds), token)
    }

    /// Returns a guard that accepts the tokens of a verifier with these declarations.
    pub(crate) fn guard(&self, clock: impl Clock) -> StepUpLayer {
        StepUpLayer::new(self.issuer().verifier().unwrap().clock(clock))
    }

    /// Returns a guard like [`guard`](Self::guard), for an issuer that can be asked for these methods.
    pub(crate) fn guard_by_methods(&self, clock: impl Clock, names: &[&str]) -> StepUpLayer {
        let names = StepUpBy::methods(names.iter().copied());
        StepUpLayer::new(self.issuer().step_up_by(names).verifier().unwrap().clock(clock))
    }

    pub(crate) fn mint(&self, token: &Token) -> String {
        let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"JWT"}}"#, SIGNER.kid());
        SIGNER.sign(&header, &token.payload())
    }

    fn session_of(&self, issuer: Issuer, token: &Token) -> Session {
        let token = self.mint(token);
        issuer.verifier().unwrap().verify_at(&token, NOW).unwrap()
    }
}

impl Token {
    fn payload(&self) -> String {
        let now = NOW.unix_timestamp() * 1_000;
        let time = |at: i64| format!("{}.{:03}", (now + at) / 1_000, (now + at) % 1_000);
        let member = |name: &str, at: Option<i64>| {
            at.map_or_else(String::new, |at| format!(r#","{name}":{}"#, time(at)))
        };
        let entries = self.amr.iter().map(|(name, at)| match at {
            None => format!("{name:?}"),
            Some(_) => format!(r#"{{"name":{name:?}{}}}"#, member("at", *at)),
        });
        let acr = self.acr.iter().map(|value| format!(r#","acr":{value:?}"#)).collect::<String>();
        format!(
            r#"{{"iss":"{ISSUER}","aud":"api","sub":"u","iat":{},"exp":{},"amr":[{}]{acr}{}{}}}"#,
            time(0),
            time(1_000_000_000),
            entries.collect::<Vec<_>>().join(","),
            member("auth_time", self.auth_time),
            member("started", self.started),
        )
    }
}

/// Returns a session without choices that proves what a reading does. An assertion that no policy
/// names stands in for the sign-in.
pub(crate) fn plain_session(reading: &Reading, started: Option<i64>) -> Session {
    let session = match started {
        Some(started) => testing::session().started_ago(millis(started)),
        None => testing::session().without_start(),
    };
    let with = |session: SessionBuilder, (kind, at): &Proof| {
        let kind = if kind == "sign-in" { "amr:signed-in" } else { kind };
        match at {
            None => session.undated(factor(kind)),
            Some(at @ 1..) => session.proved_ahead(factor(kind), millis(*at)),
            Some(at) => session.proved_ago(factor(kind), millis(*at)),
        }
    };
    reading.iter().fold(session, with).ends_in(Duration::from_secs(1_000_000)).build()
}
