//! The query that guards add to the addresses of the sign-in and step-up pages. It says why the
//! user is there.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tower_step_up::intent::IntentId;
use tower_step_up::{Factor, ReturnTo};

/// The maximum number of prompts, and of factors in each.
const MAX_ENTRIES: usize = 16;

/// The query of a sign-in or step-up page. A guard's redirect or a link on another page sets it,
/// and anyone can write such a link. The query decides what to ask for and where to go afterwards,
/// but never what was proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PageQuery {
    /// Where to go afterwards, on this site.
    pub(crate) return_to: Option<ReturnTo>,
    /// The name of the unmet policy.
    pub(crate) policy: Option<String>,
    /// The intent of the transfer that needs its own proof. It leads to a draft of the same session
    /// only.
    pub(crate) intent: Option<IntentId>,
    /// Sets of factors. Proving one set is enough.
    pub(crate) prompts: Vec<Vec<Factor>>,
    /// Whether only a new session can meet the policy.
    pub(crate) restart: bool,
    /// Whether a code was sent, so that the page shows the form for it.
    pub(crate) sent: bool,
    /// The factor that the user chose among several.
    pub(crate) by: Option<Factor>,
}

impl PageQuery {
    pub(crate) fn parse(query: &str) -> Self {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "return_to" => parsed.return_to = ReturnTo::parse(&value).ok(),
                "policy" => parsed.policy = Some(value.into_owned()),
                "intent" => parsed.intent = value.parse().ok(),
                "prompt" if parsed.prompts.len() < MAX_ENTRIES => {
                    parsed.prompts.extend(prompt(&value))
                }
                "restart" => parsed.restart = value == "true",
                "sent" => parsed.sent = value == "true",
                "by" => parsed.by = value.parse().ok(),
                _ => {}
            }
        }
        parsed
    }

    /// Returns the user's destination afterwards: the account by default. The intent is added to its
    /// query.
    pub(crate) fn destination(&self) -> String {
        let page = self.return_to.as_ref().map_or("/account", ReturnTo::as_str);
        match &self.intent {
            Some(intent) if page.contains('?') => format!("{page}&intent={intent}"),
            Some(intent) => format!("{page}?intent={intent}"),
            None => page.to_owned(),
        }
    }

    /// Returns the id of the intent. Without an intent, the text is empty.
    pub(crate) fn intent(&self) -> &str {
        self.intent.as_ref().map_or("", IntentId::as_str)
    }

    /// Returns whether a prompt names this factor, or there are no prompts.
    pub(crate) fn names(&self, factor: &Factor) -> bool {
        self.prompts.is_empty() || self.prompts.iter().any(|set| set.contains(factor))
    }

    /// Returns the address of a page with the same query, without the parts that were not
    /// understood.
    pub(crate) fn url_for(&self, page: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let return_to = self.return_to.as_ref().map(|it| ("return_to", it.to_string()));
        let policy = self.policy.clone().map(|name| ("policy", name));
        let intent = self.intent.as_ref().map(|intent| ("intent", intent.to_string()));
        query.extend_pairs(return_to.into_iter().chain(policy).chain(intent));
        for set in &self.prompts {
            let set: Vec<_> = set.iter().map(ToString::to_string).collect();
            query.append_pair("prompt", &set.join(","));
        }
        query.extend_pairs(
            [("restart", self.restart), ("sent", self.sent)]
                .iter()
                .filter(|it| it.1)
                .map(|it| (it.0, "true")),
        );
        query.extend_pairs(self.by.iter().map(|factor| ("by", factor.to_string())));
        match query.finish() {
            query if query.is_empty() => page.to_owned(),
            query => format!("{page}?{query}"),
        }
    }

    /// Returns this query with `sent` set, so that the page asks for the code.
    pub(crate) fn after_sending(&self) -> Self {
        Self { sent: true, ..self.clone() }
    }

    /// Returns this query with `sent` cleared, so that the page offers to send a code.
    pub(crate) fn before_sending(&self) -> Self {
        Self { sent: false, ..self.clone() }
    }

    /// Returns this query for the given factor, with `sent` cleared.
    pub(crate) fn by(&self, factor: Factor) -> Self {
        Self { by: Some(factor), ..self.before_sending() }
    }
}

/// Reads a prompt. An unknown factor discards all of it, because the rest would not be enough.
fn prompt(names: &str) -> Option<Vec<Factor>> {
    let names: Vec<_> = names.split(',').take(MAX_ENTRIES).collect();
    names.into_iter().map(|name| name.parse().ok()).collect()
}

impl<S: Sync> FromRequestParts<S> for PageQuery {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_survives_parsing_and_writing() {
        let query = "return_to=/transfer%3Fto%3D7&policy=transfer&prompt=otp/sms&prompt=totp,webauthn&sent=true";
        let parsed = PageQuery::parse(query);
        assert_eq!(parsed.destination(), "/transfer?to=7");
        assert_eq!(parsed.prompts, [vec![Factor::OtpSms], vec![Factor::Totp, Factor::WebAuthn]]);
        assert!(parsed.names(&Factor::Totp) && !parsed.names(&Factor::OtpEmail));
        let again = parsed.url_for("/second-factor");
        assert_eq!(PageQuery::parse(again.split_once('?').unwrap().1), parsed);
    }

    #[test]
    fn the_intent_comes_along_to_the_destination() {
        let id = "AAAAAAAAAAAAAAAAAAAAAA";
        for (query, want) in [
            ("return_to=/transfer", format!("/transfer?intent={id}")),
            ("return_to=/transfer%3Fto%3D7", format!("/transfer?to=7&intent={id}")),
            ("", format!("/account?intent={id}")),
        ] {
            let parsed = PageQuery::parse(&format!("{query}&intent={id}"));
            assert_eq!(parsed.destination(), want);
            let again = parsed.after_sending().url_for("/second-factor");
            assert_eq!(PageQuery::parse(again.split_once('?').unwrap().1).destination(), want);
        }
        let parsed = PageQuery::parse("intent=no&return_to=/transfer");
        assert_eq!((&*parsed.destination(), parsed.intent()), ("/transfer", ""));
    }

    #[test]
    fn unknown_and_invalid_parameters_are_ignored() {
        let parsed = PageQuery::parse(
            "return_to=//evil.example&prompt=otp/sms,unheard&prompt=&by=<&sent=1&x=y",
        );
        assert_eq!(parsed, PageQuery::default());
        assert_eq!(parsed.destination(), "/account");
        assert_eq!(parsed.url_for("/sign-in"), "/sign-in");
        assert!(parsed.names(&Factor::OtpSms), "without prompts, any factor is enough");
        assert_eq!(PageQuery::parse(&"prompt=totp&".repeat(100)).prompts.len(), MAX_ENTRIES);
    }
}
