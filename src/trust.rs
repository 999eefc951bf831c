//! Which factors one compromise lets an attacker present.

use crate::factor::Factor;

/// One thing that an attacker takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Compromise {
    /// The password itself.
    Password,
    /// The user's email, and with it every link and code that is sent there.
    Mailbox,
    /// The phone number: the handset unlocked, or the number moved to another card.
    PhoneNumber,
    /// The device that holds the keys: a phone with an authenticator app, a passkey, a security key.
    Device,
    /// The account at the identity provider that the user signs in with.
    IdentityProvider,
    /// The crypto wallet.
    Wallet,
    /// The recovery codes.
    RecoveryCodes,
}

impl Compromise {
    const ALL: [Self; 7] = [
        Self::Password,
        Self::Mailbox,
        Self::PhoneNumber,
        Self::Device,
        Self::IdentityProvider,
        Self::Wallet,
        Self::RecoveryCodes,
    ];
}

/// Who can present which factor: the table that [`Policy::mfa`](crate::Policy::mfa) reads.
///
/// The default model:
///
/// | factor | presentable by whoever holds |
/// | --- | --- |
/// | `password` | the password, the mailbox, the identity provider behind it |
/// | `magic_link/email`, `otp/email`, `email_otp` | the mailbox, the identity provider behind it |
/// | `oauth/oauth_google` and every other listed provider | the identity provider, the mailbox |
/// | `sso/sso_saml`, `sso/sso_oidc` | the identity provider |
/// | `otp/sms`, `otp/whatsapp` | the phone number |
/// | `totp` | the device, the recovery codes |
/// | `webauthn`, `signature_challenge` | the device |
/// | `crypto` | the wallet, the device |
/// | `recovery_codes` | the recovery codes |
/// | `impersonated`, `imported`, `trusted_auth_token`, the OAuth exchanges, `magic_link/embedded`, every unlisted factor | *anyone*: never adds strength |
///
/// One row per kind, not per instance: two mailboxes or two phones are not two. What it does not see: one event can be
/// several compromises (an unlocked handset is phone number and device; a provider account that syncs passkeys).
///
/// ```
/// use tower_step_up::{Compromise, Factor, TrustModel};
///
/// let trust = TrustModel::default();
/// let password: Vec<_> = trust.presentable_by(&Factor::Password).expect("not anyone").collect();
/// assert!(password.contains(&Compromise::Mailbox)); // who reads the mailbox resets the password
/// assert!(trust.presentable_by(&Factor::Impersonated).is_none()); // anyone
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustModel {}

impl TrustModel {
    /// The compromises each of which alone lets its holder present `factor`; `None` where anyone can.
    #[must_use]
    pub fn presentable_by(&self, factor: &Factor) -> Option<impl Iterator<Item = Compromise> + use<>> {
        let row = row(factor);
        (row != ANYONE).then(|| Compromise::ALL.into_iter().filter(move |one| row.meets(Compromises::of(&[*one]))))
    }

    /// Whether an attacker who holds these compromises can present `factor`.
    pub(crate) fn can_present(&self, attacker: Compromises, factor: &Factor) -> bool {
        row(factor).meets(attacker)
    }

    /// Every set of `size` compromises, or the one set of all where there are fewer.
    pub(crate) fn sets_of(&self, size: usize) -> impl Iterator<Item = Compromises> + use<> {
        let first = (1 << size.min(Compromise::ALL.len())) - 1;
        std::iter::successors(Some(first), |set| next_of_same_size(*set)).map(Compromises)
    }
}

/// A set of compromises, and in a row of the table those that present the factor. The highest bit is *anyone*: it is in
/// every row that anyone can present and taken as held by every attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Compromises(u16);

const ANYONE: Compromises = Compromises(1 << Compromise::ALL.len());

/// The next larger set with as many members (Gosper's hack), within all compromises.
fn next_of_same_size(set: u16) -> Option<u16> {
    let lowest = set & set.wrapping_neg();
    let carried = set + lowest;
    let rest = ((carried ^ set) >> 2).checked_div(lowest)?;
    Some(carried | rest).filter(|next| *next < ANYONE.0)
}

impl Compromises {
    const fn of(compromises: &[Compromise]) -> Self {
        let mut bits = 0;
        let mut rest = compromises;
        while let [first, tail @ ..] = rest {
            bits |= 1 << *first as u16;
            rest = tail;
        }
        Self(bits)
    }

    fn meets(self, attacker: Self) -> bool {
        self.0 & (attacker.0 | ANYONE.0) != 0
    }
}

fn row(factor: &Factor) -> Compromises {
    use Compromise::{Device, IdentityProvider, Mailbox, Password, PhoneNumber, RecoveryCodes, Wallet};

    match factor {
        Factor::Password => const { Compromises::of(&[Password, Mailbox, IdentityProvider]) },
        Factor::MagicLinkEmail | Factor::OtpEmail | Factor::EmailOtp => {
            const { Compromises::of(&[Mailbox, IdentityProvider]) }
        }
        Factor::OAuthGoogle
        | Factor::OAuthMicrosoft
        | Factor::OAuthApple
        | Factor::OAuthGithub
        | Factor::OAuthFacebook
        | Factor::OAuthAmazon
        | Factor::OAuthBitbucket
        | Factor::OAuthCoinbase
        | Factor::OAuthDiscord
        | Factor::OAuthFigma
        | Factor::OAuthGitlab
        | Factor::OAuthInstagram
        | Factor::OAuthLinkedin
        | Factor::OAuthShopify
        | Factor::OAuthSlack
        | Factor::OAuthSnapchat
        | Factor::OAuthSpotify
        | Factor::OAuthSteam
        | Factor::OAuthTiktok
        | Factor::OAuthTwitch
        | Factor::OAuthTwitter
        | Factor::OAuthSalesforce
        | Factor::OAuthYahoo
        | Factor::OAuthHubspot => const { Compromises::of(&[IdentityProvider, Mailbox]) },
        Factor::SsoSaml | Factor::SsoOidc => const { Compromises::of(&[IdentityProvider]) },
        Factor::OtpSms | Factor::OtpWhatsapp => const { Compromises::of(&[PhoneNumber]) },
        Factor::Totp => const { Compromises::of(&[Device, RecoveryCodes]) },
        Factor::WebAuthn | Factor::Biometric => const { Compromises::of(&[Device]) },
        Factor::CryptoWallet => const { Compromises::of(&[Wallet, Device]) },
        Factor::RecoveryCode => const { Compromises::of(&[RecoveryCodes]) },
        Factor::MagicLinkEmbedded
        | Factor::Impersonated
        | Factor::ImportedAuth0
        | Factor::TrustedAuthToken
        | Factor::OAuthAccessTokenExchange
        | Factor::OAuthExchangeSlack
        | Factor::OAuthExchangeHubspot
        | Factor::OAuthExchangeGithub
        | Factor::OAuthExchangeGoogle
        | Factor::Unlisted(_) => ANYONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(factor: Factor, want: &[Compromise]) {
        let got: Vec<_> = TrustModel::default().presentable_by(&factor).expect("not anyone").collect();
        assert_eq!(got, want, "{factor}");
    }

    #[test]
    fn the_default_table_row_by_row() {
        use Compromise::{Device, IdentityProvider, Mailbox, Password, PhoneNumber, RecoveryCodes, Wallet};

        check(Factor::Password, &[Password, Mailbox, IdentityProvider]);
        for factor in [Factor::MagicLinkEmail, Factor::OtpEmail, Factor::EmailOtp, Factor::OAuthGoogle] {
            check(factor, &[Mailbox, IdentityProvider]);
        }
        check(Factor::SsoSaml, &[IdentityProvider]);
        check(Factor::SsoOidc, &[IdentityProvider]);
        check(Factor::OtpSms, &[PhoneNumber]);
        check(Factor::OtpWhatsapp, &[PhoneNumber]);
        check(Factor::Totp, &[Device, RecoveryCodes]);
        check(Factor::WebAuthn, &[Device]);
        check(Factor::Biometric, &[Device]);
        check(Factor::CryptoWallet, &[Device, Wallet]);
        check(Factor::RecoveryCode, &[RecoveryCodes]);
    }

    #[test]
    fn what_anyone_can_present_is_the_stated_list_and_every_unlisted_pair() {
        let anyone = |factor: &&Factor| TrustModel::default().presentable_by(factor).is_none();
        let got: Vec<_> = Factor::LISTED.iter().filter(anyone).map(ToString::to_string).collect();
        let want = [
            "magic_link/embedded",
            "impersonated",
            "imported",
            "trusted_auth_token",
            "oauth/oauth_access_token_exchange",
            "oauth/oauth_exchange_slack",
            "oauth/oauth_exchange_hubspot",
            "oauth/oauth_exchange_github",
            "oauth/oauth_exchange_google",
        ];
        assert_eq!(got, want);
        assert!(anyone(&&Factor::from_pair("oauth", "oauth_new")));
    }

    #[test]
    fn sets_of_compromises_are_counted_and_end_with_the_set_of_all() {
        let count = |size| TrustModel::default().sets_of(size).count();
        assert_eq!([0, 1, 2, 7, 8, usize::MAX].map(count), [1, 7, 21, 1, 1, 1]);
    }
}
