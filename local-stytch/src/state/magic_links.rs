//! Magic links by email.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use time::{Duration, OffsetDateTime};
use url::Url;

use super::{
    Attributes, Channel, Contact, FactorDetail, Message, Required, SentCode, Session,
    SessionRequest, State, factors::EmailFactor,
};
use crate::{bounded::Bounded, error::Refusal, random};

/// The maximum number of links that are kept, used ones included.
const CAPACITY: usize = 10_000;

pub(crate) struct MagicLinks {
    by_token: Bounded<MagicLink>,
}

pub(crate) struct MagicLink {
    pub(crate) user_id: String,
    pub(crate) email: EmailFactor,
    purpose: Purpose,
    attributes: Attributes,
    code_challenge: Option<String>,
    expires_at: OffsetDateTime,
    used: bool,
}

/// The use of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    SignIn,
    ResetPassword,
    SetMemberPassword,
}

/// The properties of a link to send.
pub(crate) struct LinkRequest {
    /// The target. The token is added to its query.
    pub(crate) url: Url,
    pub(crate) life: Duration,
    pub(crate) attributes: Attributes,
    /// The base64url of the SHA-256 of the verifier that must accompany the token.
    pub(crate) code_challenge: Option<String>,
}

impl Default for MagicLinks {
    fn default() -> Self {
        Self { by_token: Bounded::new(CAPACITY) }
    }
}

impl MagicLinks {
    /// Removes the links for which `is_gone` is true.
    pub(crate) fn forget(&mut self, is_gone: impl Fn(&MagicLink) -> bool) {
        self.by_token.retain(|link| !is_gone(link));
    }

    /// Returns the link with this token, if it was sent for this purpose.
    pub(crate) fn get(&self, token: &str, purpose: Purpose) -> Result<&MagicLink, Refusal> {
        let link = self.by_token.get(token).filter(|link| link.purpose == purpose);
        link.ok_or(Refusal::MagicLinkNotFound)
    }

    /// Uses up a link.
    pub(crate) fn spend(
        &mut self,
        token: &str,
        code_verifier: Option<&str>,
        required: &Required,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let link = self.by_token.get_mut(token).ok_or(Refusal::MagicLinkNotFound)?;
        link.check_usable(now)?;
        required.check(&link.attributes)?;
        check_verifier(link.code_challenge.as_deref(), code_verifier)?;
        link.used = true;
        Ok(())
    }
}

impl MagicLink {
    pub(crate) fn check_usable(&self, now: OffsetDateTime) -> Result<(), Refusal> {
        if !self.used && now < self.expires_at {
            return Ok(());
        }
        Err(match self.purpose {
            Purpose::SignIn => Refusal::MagicLinkNotUsable,
            Purpose::ResetPassword | Purpose::SetMemberPassword => Refusal::PasswordResetNotUsable,
        })
    }
}

impl Purpose {
    /// Returns the `stytch_token_type` of a link's query, and what the message says.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::SignIn => ("magic_links", "sign in"),
            Self::ResetPassword => ("reset_password", "set a new password"),
            Self::SetMemberPassword => ("multi_tenant_passwords", "set a new password"),
        }
    }
}

impl State {
    pub(crate) fn send_link(
        &mut self,
        email: Contact,
        user_id: Option<&str>,
        link: LinkRequest,
        now: OffsetDateTime,
    ) -> Result<SentCode, Refusal> {
        self.limits.check_send(email.address(), now)?;
        let sent = self.recipient(&email, user_id)?;
        self.deliver_link(&email, &sent, Purpose::SignIn, link, now);
        Ok(sent)
    }

    /// Does the same as [`State::send_link`], but creates a user if none has the address. `link`
    /// receives whether a user will be created.
    pub(crate) fn send_link_or_create(
        &mut self,
        email: Contact,
        pending: bool,
        link: impl FnOnce(bool) -> Result<LinkRequest, Refusal>,
        now: OffsetDateTime,
    ) -> Result<SentCode, Refusal> {
        self.limits.check_send(email.address(), now)?;
        let link = link(self.users.find(&email).is_none())?;
        let sent = self.recipient_or_new(&email, pending, now)?;
        self.deliver_link(&email, &sent, Purpose::SignIn, link, now);
        Ok(sent)
    }

    pub(crate) fn deliver_link(
        &mut self,
        email: &Contact,
        sent: &SentCode,
        purpose: Purpose,
        request: LinkRequest,
        now: OffsetDateTime,
    ) {
        self.limits.count_send(email.address(), now);
        let token = random::token();
        let mut url = request.url;
        let (token_type, to_do) = purpose.words();
        url.query_pairs_mut()
            .append_pair("stytch_token_type", token_type)
            .append_pair("token", &token);
        let to = email.address().to_owned();
        let minutes = request.life.whole_minutes();
        self.inbox.deliver(Message {
            to: to.clone(),
            channel: Channel::Email,
            text: format!("Follow this link to {to_do}: {url} It is valid for {minutes} minutes."),
            code: None,
            link: Some(url.into()),
            sent_at: now,
        });
        let link = MagicLink {
            user_id: sent.user_id.clone(),
            email: EmailFactor { email_id: sent.method_id.clone(), email_address: to },
            purpose,
            attributes: request.attributes,
            code_challenge: request.code_challenge,
            expires_at: now + request.life,
            used: false,
        };
        self.links.by_token.insert(token, link);
    }

    /// Uses up a link. Returns its user, the id of the address and the resulting session, if any.
    pub(crate) fn authenticate_link(
        &mut self,
        token: &str,
        code_verifier: Option<&str>,
        required: &Required,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<(String, String, Option<Session>), Refusal> {
        let link = self.links.get(token, Purpose::SignIn)?;
        let (user_id, email_factor) = (link.user_id.clone(), link.email.clone());
        self.check_session_request(&request, &user_id, now)?;

        self.links.spend(token, code_verifier, required, now)?;
        self.users.get_mut(&user_id)?.verify(&Contact::Email(email_factor.email_address.clone()));
        let email_id = email_factor.email_id.clone();
        let session =
            self.grant(&user_id, FactorDetail::MagicLink { email_factor }, request, now)?;
        Ok((user_id, email_id, session))
    }
}

/// Checks a PKCE verifier with method S256 (RFC 7636, section 4.6).
fn check_verifier(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), Refusal> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Refusal::PkceUnexpectedVerifier),
        (Some(_), None) => Err(Refusal::PkceExpectedVerifier),
        (Some(challenge), Some(verifier)) => {
            let hashed =
                URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
            verify_slices_are_equal(hashed.as_bytes(), challenge.as_bytes())
                .map_err(|_| Refusal::PkceMismatch)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_link_is_dropped_if_there_are_too_many() {
        let mut state = State::new(Duration::seconds(5));
        let email = Contact::email("ada@example.com").unwrap();
        let sent =
            SentCode { user_id: String::new(), method_id: String::new(), user_created: false };
        let mut send = || {
            let request = LinkRequest {
                url: "http://localhost:3000/".parse().unwrap(),
                life: Duration::HOUR,
                attributes: Attributes::default(),
                code_challenge: None,
            };
            state.deliver_link(&email, &sent, Purpose::SignIn, request, OffsetDateTime::UNIX_EPOCH);
            let link = state.inbox.newest_first()[0].link.clone().unwrap();
            link.split_once("&token=").unwrap().1.to_owned()
        };
        let oldest = send();
        let second = send();
        for _ in 2..CAPACITY + 1 {
            send();
        }
        assert!(state.links.by_token.get(&oldest).is_none());
        assert!(state.links.by_token.get(&second).is_some());
    }

    #[test]
    fn the_example_of_rfc_7636_appendix_b_is_accepted() {
        let challenge = Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let verifier = Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(check_verifier(challenge, verifier), Ok(()));
        assert_eq!(check_verifier(challenge, Some("another")), Err(Refusal::PkceMismatch));
        assert_eq!(check_verifier(challenge, None), Err(Refusal::PkceExpectedVerifier));
        assert_eq!(check_verifier(None, verifier), Err(Refusal::PkceUnexpectedVerifier));
        assert_eq!(check_verifier(None, None), Ok(()));
    }
}
