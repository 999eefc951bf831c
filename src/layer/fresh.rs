//! The fresh tokens of a session that was renewed, the way that the old ones came.

use http::{HeaderMap, HeaderValue};

use super::guard::Guard;
use crate::credentials::{Carrier, SetCookies, forbid_storing};
use crate::renewal::{FRESH_JWT, Renewed};
use crate::session::Session;
use crate::token::{TokenError, Verifier};

/// Held ready while the inner service works.
pub(super) struct Fresh {
    session: Session,
    verifier: Verifier,
    form: Form,
}

enum Form {
    Cookies(SetCookies),
    Header(HeaderValue),
}

impl Fresh {
    /// For whoever sent a request with these headers, by this carrier.
    pub(super) fn new(guard: &Guard, carrier: Carrier, renewed: &Renewed, request: &HeaderMap) -> Option<Self> {
        let (session, verifier) = (renewed.session.clone(), guard.verifier.clone());
        if carrier.is_cookie() {
            let rest = session.stated_end().map(|end| end - verifier.now());
            let form = Form::Cookies(guard.cookies.set(&renewed.tokens, rest, request));
            return Some(Self { session, verifier, form });
        }
        guard.exchanges.as_ref().filter(|exchanges| exchanges.renewal.answers_with_jwt)?;
        let mut jwt = HeaderValue::try_from(&renewed.tokens.session_jwt).ok()?;
        jwt.set_sensitive(true);
        Some(Self { session, verifier, form: Form::Header(jwt) })
    }

    /// Not where the session was revoked meanwhile: the inner service may have signed out, or taken up others.
    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        let judged = self.verifier.judge(self.session.clone(), self.verifier.now());
        if judged.verdict == Err(TokenError::Revoked) {
            return;
        }
        match &self.form {
            Form::Cookies(cookies) => cookies.fill_in(headers),
            Form::Header(jwt) => {
                // It fails only where there are as many headers as there can be.
                let _ = headers.try_insert(FRESH_JWT, jwt.clone());
                forbid_storing(headers);
            }
        }
    }
}
