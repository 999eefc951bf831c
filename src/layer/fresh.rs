//! The fresh tokens of a session that was renewed, the way that the old ones came.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

use super::guard::Guard;
use crate::credentials::{Carrier, SetCookies, forbid_storing};
use crate::renewal::{Exchanges, FRESH_JWT, Renewed};

/// Held ready while the inner service works.
pub(super) struct Fresh {
    renewed: Arc<Renewed>,
    exchanges: Arc<Exchanges>,
    form: Form,
}

enum Form {
    Cookies(SetCookies),
    Header(HeaderValue),
}

impl Fresh {
    /// For whoever sent a request with these headers, by this carrier.
    pub(super) fn new(
        guard: &Guard,
        carrier: Carrier,
        renewed: &Arc<Renewed>,
        request: &HeaderMap,
    ) -> Option<Self> {
        let (renewed, exchanges) = (Arc::clone(renewed), guard.exchanges.clone()?);
        let form = if carrier.is_cookie() {
            Form::Cookies(guard.set_cookies(&renewed.tokens, &renewed.session, request))
        } else if exchanges.renewal.answers_with_jwt {
            let mut jwt = HeaderValue::try_from(&renewed.tokens.session_jwt).ok()?;
            jwt.set_sensitive(true);
            Form::Header(jwt)
        } else {
            return None;
        };
        Some(Self { renewed, exchanges, form })
    }

    /// Not where others have taken their place meanwhile: the inner service, or another request,
    /// may have taken a step or signed out. To withhold them costs a renewal at most.
    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        if !self.exchanges.are_current(&self.renewed) {
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
