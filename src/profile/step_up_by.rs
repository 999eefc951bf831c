//! The ways to ask an issuer for more.

/// The way in which a client asks an issuer for more, if a session does not meet a policy. A challenge
/// asks in this way only.
///
/// ```
/// use tower_step_up::issuers::oidc;
/// use tower_step_up::profile::StepUpBy;
///
/// let issuer = oidc::access_tokens("https://login.example.com", "https://api.example.com")
///     .acr_values(["silver", "gold"])
///     .step_up_by(StepUpBy::OneAcrValue); // it does not accept a list of values
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepUpBy {
    /// An authentication request with `acr_values` and `max_age` (OpenID Connect Core 1.0, section
    /// 3.1.2.1). The new token has nothing of the old one.
    #[default]
    AuthenticationRequest,
    /// The same, but the issuer accepts only one value of `acr` in a request.
    OneAcrValue,
    /// The methods with these names, one or several. The issuer adds a method to the session when the
    /// user has used it.
    Methods(Vec<Box<str>>),
    /// A new sign-in with one of these lists of methods. Nothing of the old session remains.
    NewSignIn(Vec<Vec<Box<str>>>),
    /// Clerk's reverification: the methods `first_factor` and `second_factor`, one or both. If the
    /// user has no second factor, Clerk asks for the first one instead.
    Reverification,
}

/// The names of the methods of a [reverification](StepUpBy::Reverification).
pub(crate) const FIRST_FACTOR: &str = "first_factor";
pub(crate) const SECOND_FACTOR: &str = "second_factor";

impl StepUpBy {
    /// Returns [`Methods`](Self::Methods) with these names.
    #[must_use]
    pub fn methods<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        Self::Methods(names.into_iter().map(Into::into).collect())
    }

    /// Returns [`NewSignIn`](Self::NewSignIn) with these lists of names.
    #[must_use]
    pub fn new_sign_in<'n, L>(lists: impl IntoIterator<Item = L>) -> Self
    where
        L: IntoIterator<Item = &'n str>,
    {
        let list = |names: L| names.into_iter().map(Into::into).collect();
        Self::NewSignIn(lists.into_iter().map(list).collect())
    }
}
