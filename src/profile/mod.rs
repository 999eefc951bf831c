//! Profiles, which read the claims of an issuer.
//!
//! A [`Profile`] reads the claims of one issuer and returns their [`Evidence`]. Its [`Names`] say
//! what the issuer's names mean. [`Issuer`](crate::issuers::Issuer) combines both with the rules for the
//! issuer's tokens. [The guide](crate::guide::issuers) builds a profile for a made-up issuer.

mod acr;
mod claims;
mod entries;
mod error;
mod evidence;
mod names;
mod resolve;
mod step_up_by;
mod terms;
mod times;

pub use self::claims::Claims;
pub use self::entries::Entry;
pub use self::error::{ClaimError, DeclarationError};
pub use self::evidence::Evidence;
pub use self::names::Names;
pub use self::step_up_by::StepUpBy;

pub(crate) use self::resolve::Resolved;
pub(crate) use self::step_up_by::{FIRST_FACTOR, SECOND_FACTOR};
pub(crate) use self::terms::Terms;

use std::time::Duration;

/// A reader of one issuer's claims. It is pure: it uses no clock and does no I/O.
///
/// ```
/// use tower_step_up::issuers::Issuer;
/// use tower_step_up::profile::{ClaimError, Claims, Evidence, Names, Profile};
/// use tower_step_up::testing::TestIssuer;
/// use tower_step_up::{Factor, Policy, testing};
///
/// /// Tokens of a made-up issuer: `"login": {"how": "pin", "at": 1735689600}`.
/// struct Acme;
///
/// impl Profile for Acme {
///     fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
///         let login = claims.object("login")?;
///         let mut evidence = Evidence::signed_in(login.time("at")?);
///         if let Some(how) = login.text("how")? {
///             evidence.amr(&how, login.time("at")?);
///         }
///         Ok(evidence)
///     }
///
///     fn names(&self) -> Names {
///         Names::new().amr("pin", [Factor::Password]).amr("app", [Factor::Totp, Factor::OtpSms])
///     }
/// }
///
/// let acme = Issuer::new("https://acme.example", Acme).audience("https://api.example");
/// let test = TestIssuer::standing_in_for(acme)?;
/// let session = test.session_with(&serde_json::json!({"login": {"how": "pin"}}));
/// assert!(Policy::factor(Factor::Password).evaluate(&session, testing::NOW).is_ok());
/// # Ok::<(), tower_step_up::issuers::IssuerError>(())
/// ```
pub trait Profile: Send + Sync + 'static {
    /// Returns the evidence that a token's claims state. The token's signature and the other rules
    /// have been checked.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError`] if a claim cannot be read. The verifier then refuses the token.
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError>;

    /// Returns what the issuer's names mean. An application can add to them and narrow them
    /// ([`Issuer`](crate::issuers::Issuer)). The default has no names.
    fn names(&self) -> Names {
        Names::new()
    }

    /// Returns what the issuer's tokens can state at all. A guard compares its policy with it. The
    /// default is everything.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// Returns what a client can ask the issuer for, if a session does not meet a policy. The
    /// default is an authentication request with `acr_values` and `max_age`.
    fn step_up_by(&self) -> StepUpBy {
        StepUpBy::default()
    }
}

/// The capabilities of an issuer's tokens: what they can state at all. A guard
/// [reports](crate::StepUpLayer::findings) a policy that no such token can meet. By default, tokens
/// can state everything, to the second.
///
/// ```
/// use tower_step_up::profile::Capabilities;
///
/// let mut capabilities = Capabilities::sign_in_only();
/// capabilities.states_acr = true;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whether tokens can state when the user signed in.
    pub dates_sign_in: bool,
    /// Whether tokens can state when each method was used.
    pub dates_methods: bool,
    /// Whether tokens can name methods (`amr`).
    pub names_methods: bool,
    /// Whether tokens can state an authentication context class (`acr`).
    pub states_acr: bool,
    /// Whether a token can state several values of `acr` that do not include each other. By default it
    /// has one.
    pub states_several_acr: bool,
    /// Whether tokens can state when the session began.
    pub states_start: bool,
    /// Whether a new sign-in begins the session anew, so that its start is the time of the sign-in.
    /// By default it does not.
    pub sign_in_is_start: bool,
    /// The unit of the times, by which a proof may look older than it is.
    pub resolution: Duration,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            dates_sign_in: true,
            dates_methods: true,
            names_methods: true,
            states_acr: true,
            states_several_acr: false,
            states_start: true,
            sign_in_is_start: false,
            resolution: Duration::from_secs(1),
        }
    }
}

impl Capabilities {
    /// Returns the capabilities of tokens that state only that the user signed in, and when.
    #[must_use]
    pub const fn sign_in_only() -> Self {
        Self {
            dates_sign_in: true,
            dates_methods: false,
            names_methods: false,
            states_acr: false,
            states_several_acr: false,
            states_start: false,
            sign_in_is_start: false,
            resolution: Duration::from_secs(1),
        }
    }
}
