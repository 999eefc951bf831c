//! The kinds of authentication factors, and their names.

use std::fmt;
use std::mem::discriminant;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::assertion::Assertion;
use super::pair::{self, UnlistedFactor};
use crate::excerpt::printable;

/// Defines the enum, its names, and their pairs of `type` and `delivery_method` from two tables.
/// The second one has the factors that no pair of Stytch's yields.
macro_rules! factors {
    (
        stytch { $($(#[$doc:meta])* $variant:ident = $name:literal, ($type:literal, $method:literal);)* }
        beyond_stytch { $($(#[$further_doc:meta])* $further:ident = $further_name:literal, ($further_type:literal, $further_method:literal);)* }
    ) => {
        /// A kind of authentication factor.
        ///
        /// In a Stytch session, a factor is the exact pair of `type` and `delivery_method`. Only the
        /// whole pair identifies it: `otp` with `sms` proves access to a phone number, and `otp`
        /// with `email` to a mailbox. Every pair that Stytch documents has a variant. Any other pair
        /// is [`Factor::Unlisted`]. A policy can require it by its pair. It counts for
        /// [`Policy::mfa`](crate::Policy::mfa) only if a [`TrustModel`](crate::TrustModel) gives it
        /// a row.
        ///
        /// The profile of any other issuer says which factors its claims state. Four kinds occur
        /// only there: [`Federated`](Self::Federated), [`OtpCall`](Self::OtpCall),
        /// [`DeviceKey`](Self::DeviceKey) and
        /// [`PhishingResistantKey`](Self::PhishingResistantKey).
        ///
        /// If a `type` has only one documented delivery method, the name of the factor is the
        /// `type` (`totp`). Otherwise it is `type/delivery_method` (`otp/sms`).
        /// [`Display`](fmt::Display) and serde write this name. Parsing and serde accept it and the
        /// full pair of a listed factor, but no unlisted pair. Use [`from_pair`](Self::from_pair)
        /// for those.
        ///
        /// ```
        /// use tower_step_up::Factor;
        ///
        /// assert_eq!(Factor::from_pair("otp", "sms"), Factor::OtpSms);
        /// assert_eq!(Factor::OtpSms.to_string(), "otp/sms");
        /// assert_eq!("totp".parse(), Ok(Factor::Totp));
        /// assert_eq!("totp/authenticator_app".parse(), Ok(Factor::Totp));
        /// assert!("otp".parse::<Factor>().is_err()); // ambiguous: sms, whatsapp or email
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Factor {
            $($(#[$doc])* #[doc = concat!(" (`", $type, "`, `", $method, "`)")] $variant,)*
            $($(#[$further_doc])* $further,)*
            /// A pair that is not in this table, kept unchanged.
            Unlisted(UnlistedFactor),
            /// An assertion of the issuer about the sign-in as a whole, such as its `acr`. It is not a
            /// factor, and it never counts as independent of one.
            Asserted(Assertion),
        }

        impl Factor {
            /// Every listed factor, in the order of the documentation.
            pub const LISTED: &'static [Self] = &[$(Self::$variant,)* $(Self::$further),*];

            /// Returns the factor with this exact `type` and `delivery_method` in a Stytch session.
            /// The comparison does not fold case or trim spaces.
            #[must_use]
            pub fn from_pair(factor_type: &str, delivery_method: &str) -> Self {
                match (factor_type, delivery_method) {
                    $(($type, $method) => Self::$variant,)*
                    _ => Self::Unlisted(UnlistedFactor::new(factor_type, delivery_method)),
                }
            }

            /// Returns the `type` in Stytch's session. A factor that Stytch does not have has a
            /// similar one.
            #[must_use]
            pub fn factor_type(&self) -> &str {
                match self {
                    $(Self::$variant => $type,)*
                    $(Self::$further => $further_type,)*
                    Self::Unlisted(pair) => pair.factor_type(),
                    Self::Asserted(assertion) => assertion.claim(),
                }
            }

            /// Returns the `delivery_method` in Stytch's session. A factor that Stytch does not have
            /// has a similar one.
            #[must_use]
            pub fn delivery_method(&self) -> &str {
                match self {
                    $(Self::$variant => $method,)*
                    $(Self::$further => $further_method,)*
                    Self::Unlisted(pair) => pair.delivery_method(),
                    Self::Asserted(assertion) => assertion.value(),
                }
            }
        }

        impl fmt::Display for Factor {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($name),)*
                    $(Self::$further => f.write_str($further_name),)*
                    Self::Unlisted(pair) => pair.fmt(f),
                    Self::Asserted(assertion) => assertion.fmt(f),
                }
            }
        }

        impl FromStr for Factor {
            type Err = UnknownFactor;

            /// Parses the name of a listed factor, or its full pair as `type/delivery_method`.
            fn from_str(name: &str) -> Result<Self, UnknownFactor> {
                match name {
                    $($name => Ok(Self::$variant),)*
                    $($further_name => Ok(Self::$further),)*
                    _ => pair::from_full_name(name).ok_or_else(|| UnknownFactor { name: printable(name) }),
                }
            }
        }
    };
}

factors! {
    stytch {
    /// A password.
    Password = "password", ("password", "knowledge");
    /// A link sent to the user's mailbox.
    MagicLinkEmail = "magic_link/email", ("magic_link", "email");
    /// A link that the application delivers itself. It proves access to the place of delivery.
    MagicLinkEmbedded = "magic_link/embedded", ("magic_link", "embedded");
    /// A code by SMS.
    OtpSms = "otp/sms", ("otp", "sms");
    /// A code by WhatsApp.
    OtpWhatsapp = "otp/whatsapp", ("otp", "whatsapp");
    /// A code sent to the user's mailbox.
    OtpEmail = "otp/email", ("otp", "email");
    /// A code sent to the user's mailbox, in projects for organizations (B2B).
    EmailOtp = "email_otp", ("email_otp", "email");
    /// A code from an authenticator app.
    Totp = "totp", ("totp", "authenticator_app");
    /// A recovery code of an authenticator app.
    RecoveryCode = "recovery_codes", ("recovery_codes", "recovery_code");
    /// A passkey or security key. Cryptography binds it to the origin.
    WebAuthn = "webauthn", ("webauthn", "webauthn_registration");
    /// A key on a mobile device, protected by its biometric lock.
    Biometric = "signature_challenge", ("signature_challenge", "biometric");
    /// A signature by a crypto wallet.
    CryptoWallet = "crypto", ("crypto", "crypto_wallet");
    /// Single sign-on with SAML.
    SsoSaml = "sso/sso_saml", ("sso", "sso_saml");
    /// Single sign-on with OpenID Connect.
    SsoOidc = "sso/sso_oidc", ("sso", "sso_oidc");
    /// A session of a support agent who acts as the user.
    Impersonated = "impersonated", ("impersonated", "impersonation");
    /// A session imported from Auth0.
    ImportedAuth0 = "imported", ("imported", "imported_auth0");
    /// A token of another system that the project trusts.
    TrustedAuthToken = "trusted_auth_token", ("trusted_auth_token", "trusted_token_exchange");
    /// An exchanged OAuth access token.
    OAuthAccessTokenExchange = "oauth/oauth_access_token_exchange", ("oauth", "oauth_access_token_exchange");
    /// An exchanged Slack token.
    OAuthExchangeSlack = "oauth/oauth_exchange_slack", ("oauth", "oauth_exchange_slack");
    /// An exchanged HubSpot token.
    OAuthExchangeHubspot = "oauth/oauth_exchange_hubspot", ("oauth", "oauth_exchange_hubspot");
    /// An exchanged GitHub token.
    OAuthExchangeGithub = "oauth/oauth_exchange_github", ("oauth", "oauth_exchange_github");
    /// An exchanged Google token.
    OAuthExchangeGoogle = "oauth/oauth_exchange_google", ("oauth", "oauth_exchange_google");
    /// Google login.
    OAuthGoogle = "oauth/oauth_google", ("oauth", "oauth_google");
    /// Microsoft login.
    OAuthMicrosoft = "oauth/oauth_microsoft", ("oauth", "oauth_microsoft");
    /// Apple login.
    OAuthApple = "oauth/oauth_apple", ("oauth", "oauth_apple");
    /// GitHub login.
    OAuthGithub = "oauth/oauth_github", ("oauth", "oauth_github");
    /// Facebook login.
    OAuthFacebook = "oauth/oauth_facebook", ("oauth", "oauth_facebook");
    /// Amazon login.
    OAuthAmazon = "oauth/oauth_amazon", ("oauth", "oauth_amazon");
    /// Bitbucket login.
    OAuthBitbucket = "oauth/oauth_bitbucket", ("oauth", "oauth_bitbucket");
    /// Coinbase login.
    OAuthCoinbase = "oauth/oauth_coinbase", ("oauth", "oauth_coinbase");
    /// Discord login.
    OAuthDiscord = "oauth/oauth_discord", ("oauth", "oauth_discord");
    /// Figma login.
    OAuthFigma = "oauth/oauth_figma", ("oauth", "oauth_figma");
    /// GitLab login.
    OAuthGitlab = "oauth/oauth_gitlab", ("oauth", "oauth_gitlab");
    /// Instagram login.
    OAuthInstagram = "oauth/oauth_instagram", ("oauth", "oauth_instagram");
    /// LinkedIn login.
    OAuthLinkedin = "oauth/oauth_linkedin", ("oauth", "oauth_linkedin");
    /// Shopify login.
    OAuthShopify = "oauth/oauth_shopify", ("oauth", "oauth_shopify");
    /// Slack login.
    OAuthSlack = "oauth/oauth_slack", ("oauth", "oauth_slack");
    /// Snapchat login.
    OAuthSnapchat = "oauth/oauth_snapchat", ("oauth", "oauth_snapchat");
    /// Spotify login.
    OAuthSpotify = "oauth/oauth_spotify", ("oauth", "oauth_spotify");
    /// Steam login.
    OAuthSteam = "oauth/oauth_steam", ("oauth", "oauth_steam");
    /// TikTok login.
    OAuthTiktok = "oauth/oauth_tiktok", ("oauth", "oauth_tiktok");
    /// Twitch login.
    OAuthTwitch = "oauth/oauth_twitch", ("oauth", "oauth_twitch");
    /// Twitter login.
    OAuthTwitter = "oauth/oauth_twitter", ("oauth", "oauth_twitter");
    /// Salesforce login.
    OAuthSalesforce = "oauth/oauth_salesforce", ("oauth", "oauth_salesforce");
    /// Yahoo login.
    OAuthYahoo = "oauth/oauth_yahoo", ("oauth", "oauth_yahoo");
    /// HubSpot login.
    OAuthHubspot = "oauth/oauth_hubspot", ("oauth", "oauth_hubspot");
    }
    beyond_stytch {
    /// A login with another identity provider that the issuer does not name.
    Federated = "federated", ("federated", "identity_provider");
    /// A code that is spoken in a call.
    OtpCall = "otp/call", ("otp", "call");
    /// A key, a hardware token or a push to a device, if it is not known whether cryptography binds
    /// it to the origin.
    DeviceKey = "device_key", ("key", "device");
    /// A key that the issuer says is resistant to phishing.
    PhishingResistantKey = "phishing_resistant_key", ("key", "phishing_resistant");
    }
}

impl Factor {
    /// Returns the number of bytes that the factor has on the heap.
    pub(crate) fn own_bytes(&self) -> usize {
        match self {
            // The two strings, the pointers and lengths of their boxes, and the `Arc`'s counters.
            Self::Unlisted(pair) => {
                pair.factor_type().len() + pair.delivery_method().len() + 6 * size_of::<usize>()
            }
            Self::Asserted(assertion) => assertion.own_bytes(),
            _ => 0,
        }
    }

    /// Returns whether cryptography binds the factor to the origin, so that a look-alike site
    /// cannot use it. This is true of WebAuthn, and of keys that the issuer calls resistant to phishing.
    #[must_use]
    pub fn is_phishing_resistant(&self) -> bool {
        matches!(self, Self::WebAuthn | Self::PhishingResistantKey)
    }

    /// Returns whether the factor marks an impersonation. Elsewhere a factor is known only by its type
    /// and its method together. Here either one is enough.
    pub(crate) fn is_impersonation(&self) -> bool {
        self.factor_type() == Self::Impersonated.factor_type()
            || self.delivery_method() == Self::Impersonated.delivery_method()
    }

    /// Returns whether both are equal. Most pairs differ in their variant, which is quick to see.
    #[inline]
    pub(crate) fn is(&self, other: &Self) -> bool {
        discriminant(self) == discriminant(other)
            && (!matches!(self, Self::Unlisted(_) | Self::Asserted(_)) || self == other)
    }

    /// Returns whether this is an assertion of the issuer, not a factor.
    pub(crate) fn is_assertion(&self) -> bool {
        self.assertion().is_some()
    }

    /// Returns the assertion of the issuer, if this is one.
    pub(crate) fn assertion(&self) -> Option<&Assertion> {
        match self {
            Self::Asserted(assertion) => Some(assertion),
            _ => None,
        }
    }
}

impl Serialize for Factor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Factor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// An error parsing the name of a factor: no listed factor has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown factor \"{name}\": expected a name such as password, otp/sms, totp or webauthn")]
pub struct UnknownFactor {
    /// The beginning of the name, in printable ASCII.
    name: Box<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The factors that no pair in a Stytch session yields.
    const BEYOND_STYTCH: [Factor; 4] =
        [Factor::Federated, Factor::OtpCall, Factor::DeviceKey, Factor::PhishingResistantKey];

    #[test]
    fn every_listed_factor_parses_from_its_name_and_its_pair() {
        for factor in Factor::LISTED {
            assert_eq!(factor.to_string().parse().as_ref(), Ok(factor));
            if BEYOND_STYTCH.contains(factor) {
                check_unlisted(factor.factor_type(), factor.delivery_method());
                continue;
            }
            let full = format!("{}/{}", factor.factor_type(), factor.delivery_method());
            assert_eq!(full.parse().as_ref(), Ok(factor));
            assert_eq!(&Factor::from_pair(factor.factor_type(), factor.delivery_method()), factor);
        }
    }

    #[test]
    fn a_name_is_the_type_alone_only_if_the_type_has_one_method() {
        for factor in Factor::LISTED.iter().filter(|factor| !BEYOND_STYTCH.contains(factor)) {
            let of_type = Factor::LISTED
                .iter()
                .filter(|other| other.factor_type() == factor.factor_type())
                .filter(|other| !BEYOND_STYTCH.contains(other))
                .count();
            assert_eq!(factor.to_string() == factor.factor_type(), of_type == 1, "{factor}");
        }
    }

    #[track_caller]
    fn check_unlisted(factor_type: &str, delivery_method: &str) {
        let factor = Factor::from_pair(factor_type, delivery_method);
        assert!(matches!(factor, Factor::Unlisted(_)), "{factor}");
        assert_eq!(
            (factor.factor_type(), factor.delivery_method()),
            (factor_type, delivery_method)
        );
    }

    #[test]
    fn a_pair_must_match_exactly() {
        check_unlisted("password", "sms");
        check_unlisted("otp", "knowledge");
        check_unlisted("OTP", "sms");
        check_unlisted("otp", "SMS");
        check_unlisted("otp ", "sms");
        check_unlisted("webauthn", "");
        check_unlisted("oauth", "oauth_git_lab");
        check_unlisted("", "");
    }

    #[test]
    fn an_unknown_name_is_an_error_that_quotes_it() {
        let error = "otp".parse::<Factor>().expect_err("an incomplete pair");
        assert!(error.to_string().contains("\"otp\""), "{error}");
        assert!("password/sms".parse::<Factor>().is_err());
    }
}
