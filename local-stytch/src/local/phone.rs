//! `GET /local/phone`: the messages, on a page that looks like a phone and needs no JavaScript.

use askama::Template;
use axum::{
    extract::State,
    http::{
        Uri,
        header::{CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    response::{Html, IntoResponse},
};
use time::OffsetDateTime;

use crate::{
    api::Shared,
    error::Refusal,
    state::{Channel, Message},
};

/// Allows only what the page itself contains, and no framing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HEADERS: [(HeaderName, &str); 3] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

#[derive(Template)]
#[template(path = "phone.html")]
struct Phone {
    refreshing: bool,
    clock: String,
    bubbles: Vec<Bubble>,
}

struct Bubble {
    label: &'static str,
    to: String,
    /// The text before and after the code or link, which the page emphasizes.
    before: String,
    after: String,
    code: Option<String>,
    link: Option<String>,
    date: String,
    time: String,
}

pub(super) async fn page(State(app): Shared, uri: Uri) -> Result<impl IntoResponse, Refusal> {
    let page = Phone {
        // Only on request, because a refresh interrupts screen readers.
        refreshing: uri.query() == Some("refresh=on"),
        clock: clock(app.now()),
        bubbles: app.state().inbox.newest_first().into_iter().map(Bubble::from).collect(),
    };
    let page = page.render().map_err(|_| Refusal::Internal)?;
    Ok((HEADERS, Html(page)))
}

impl From<Message> for Bubble {
    fn from(message: Message) -> Self {
        let apart = message.code.as_deref().or(message.link.as_deref());
        let (before, after) =
            apart.and_then(|apart| message.text.split_once(apart)).unwrap_or((&message.text, ""));
        Self {
            label: match message.channel {
                Channel::Sms => "Text message",
                Channel::Email => "Email",
            },
            before: before.to_owned(),
            after: after.to_owned(),
            date: message.sent_at.date().to_string(),
            time: clock(message.sent_at),
            to: message.to,
            code: message.code,
            link: message.link,
        }
    }
}

/// Formats a time like `15:04:05`.
fn clock(at: OffsetDateTime) -> String {
    format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_to_left_address_does_not_reorder_the_rest_of_the_page() {
        let message = Message {
            to: "\u{202e}ada@example.com".into(),
            channel: Channel::Email,
            text: "Your code is 123456.".into(),
            code: Some("123456".into()),
            link: None,
            sent_at: OffsetDateTime::UNIX_EPOCH,
        };
        let page =
            Phone { refreshing: false, clock: "00:00:00".into(), bubbles: vec![message.into()] }
                .render()
                .unwrap();
        assert!(page.contains("<h2>Email to <bdi>\u{202e}ada@example.com</bdi></h2>"), "{page}");
        assert!(
            page.contains(r#"<bdi>Your code is <strong class="code">123456</strong>.</bdi>"#),
            "{page}"
        );
    }

    #[test]
    fn message_texts_are_escaped() {
        let message = Message {
            to: "<b>ada</b>@example.com".into(),
            channel: Channel::Email,
            text: "Follow this link: http://localhost/?a=1&b=\"><script> now.".into(),
            code: None,
            link: Some("http://localhost/?a=1&b=\"><script>".into()),
            sent_at: OffsetDateTime::UNIX_EPOCH,
        };
        let page =
            Phone { refreshing: false, clock: "00:00:00".into(), bubbles: vec![message.into()] }
                .render()
                .unwrap();
        assert!(!page.contains("<b>ada") && !page.contains("<script"), "{page}");
        assert!(page.contains("&#60;b&#62;ada"), "{page}");
    }
}
