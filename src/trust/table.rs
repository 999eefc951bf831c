//! The table of the default trust model.

use super::set::Compromises;
use crate::factor::Factor;

pub(super) fn row(factor: &Factor) -> Compromises {
    use super::Compromise::{
        Device, IdentityProvider, Mailbox, Password, PhoneNumber, RecoveryCodes, Wallet,
    };

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
        | Factor::OAuthHubspot
        | Factor::Federated => const { Compromises::of(&[IdentityProvider, Mailbox]) },
        Factor::SsoSaml | Factor::SsoOidc => const { Compromises::of(&[IdentityProvider]) },
        Factor::OtpSms | Factor::OtpWhatsapp | Factor::OtpCall => {
            const { Compromises::of(&[PhoneNumber]) }
        }
        Factor::Totp => const { Compromises::of(&[Device, RecoveryCodes]) },
        Factor::WebAuthn | Factor::Biometric | Factor::DeviceKey | Factor::PhishingResistantKey => {
            const { Compromises::of(&[Device]) }
        }
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
        | Factor::Unlisted(_)
        | Factor::Asserted(_) => Compromises::ANYONE,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Compromise, TrustModel};
    use super::*;

    #[track_caller]
    fn check(factor: Factor, want: &[Compromise]) {
        let got: Vec<_> =
            TrustModel::default().presentable_by(&factor).expect("not anyone").collect();
        assert_eq!(got, want, "{factor}");
    }

    #[test]
    fn each_row_of_the_default_table_is_as_documented() {
        use Compromise::{
            Device, IdentityProvider, Mailbox, Password, PhoneNumber, RecoveryCodes, Wallet,
        };

        check(Factor::Password, &[Password, Mailbox, IdentityProvider]);
        for factor in
            [Factor::MagicLinkEmail, Factor::OtpEmail, Factor::EmailOtp, Factor::OAuthGoogle]
        {
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
        check(Factor::Federated, &[Mailbox, IdentityProvider]);
        check(Factor::OtpCall, &[PhoneNumber]);
        check(Factor::DeviceKey, &[Device]);
        check(Factor::PhishingResistantKey, &[Device]);
    }

    #[test]
    fn anyone_can_present_the_stated_factors_and_every_unlisted_pair() {
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
}
