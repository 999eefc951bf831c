//! `/v1/passwords`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Body, Shared,
    reply::{Authenticated, HandlerResult, Reply},
    request::{NewSessionFields, SessionFields, metadata},
};
use crate::{
    app::App,
    error::Refusal,
    passwords::{self, Strength},
    state::{Contact, Name, NewUser},
};

#[derive(Deserialize)]
pub(crate) struct Create {
    email: String,
    password: String,
    name: Option<Name>,
    trusted_metadata: Option<Value>,
    untrusted_metadata: Option<Value>,
    #[serde(flatten)]
    session: NewSessionFields,
}

#[derive(Serialize)]
pub(crate) struct Created {
    email_id: String,
    #[serde(flatten)]
    authenticated: Authenticated,
}

pub(crate) async fn create(
    State(app): Shared,
    Body(request): Body<Create>,
) -> HandlerResult<Created> {
    let email = Contact::email(&request.email)?;
    let session_request = request.session.check()?;
    let new = NewUser {
        email: Some(email.clone()),
        name: request.name.unwrap_or_default().check()?,
        trusted_metadata: metadata(request.trusted_metadata)?,
        untrusted_metadata: metadata(request.untrusted_metadata)?,
        ..NewUser::default()
    };
    if app.state().users.find(&email).is_some() {
        return Err(Refusal::DuplicateEmail);
    }
    let hash = hash(&app, request.password, Some(email.address().to_owned())).await?;

    let now = app.now();
    let (user, session) = app.state().create_with_password(new, hash, session_request, now)?;
    let email_id = user.method_id(&email).unwrap_or_default().to_owned();
    Ok(Reply(Created { email_id, authenticated: Authenticated::new(&app, user, session, now)? }))
}

#[derive(Deserialize)]
pub(crate) struct Authenticate {
    email: String,
    password: String,
    #[serde(flatten)]
    session: SessionFields,
}

pub(crate) async fn authenticate(
    State(app): Shared,
    Body(request): Body<Authenticate>,
) -> HandlerResult<Authenticated> {
    let email = Contact::email(&request.email)?;
    let session_request = request.session.check(&app)?;
    check_length(&request.password)?;
    let (user_id, hash) = app.state().password_of(&email, app.now())?;
    let verified = app.heavy(move || passwords::verify(&request.password, &hash)).await?;

    let now = app.now();
    let (user, session) =
        app.state().authenticate_password(&user_id, verified, session_request, now)?;
    Ok(Reply(Authenticated::new(&app, user, session, now)?))
}

#[derive(Deserialize)]
pub(crate) struct StrengthCheck {
    password: String,
    email: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct StrengthChecked {
    valid_password: bool,
    score: u8,
    breached_password: bool,
    strength_policy: &'static str,
    breach_detection_on_create: bool,
    feedback: Feedback,
}

#[derive(Serialize)]
struct Feedback {
    warning: String,
    suggestions: Vec<String>,
    luds_requirements: (),
}

pub(crate) async fn strength_check(
    State(app): Shared,
    Body(request): Body<StrengthCheck>,
) -> HandlerResult<StrengthChecked> {
    check_length(&request.password)?;
    let strength =
        app.heavy(move || Strength::of(&request.password, request.email.as_deref())).await?;
    Ok(Reply(StrengthChecked {
        valid_password: strength.is_enough(),
        score: strength.score,
        // Stytch looks up breached passwords. The stand-in does not.
        breached_password: false,
        strength_policy: "zxcvbn",
        breach_detection_on_create: false,
        feedback: Feedback {
            warning: strength.warning,
            suggestions: strength.suggestions,
            luds_requirements: (),
        },
    }))
}

/// Returns the hash of a password, if the password is strong enough.
pub(crate) async fn hash(
    app: &App,
    password: String,
    email: Option<String>,
) -> Result<String, Refusal> {
    check_length(&password)?;
    app.heavy(move || {
        if Strength::of(&password, email.as_deref()).is_enough() {
            passwords::hash(&password)
        } else {
            Err(Refusal::WeakPassword)
        }
    })
    .await?
}

pub(crate) fn check_length(password: &str) -> Result<(), Refusal> {
    if password.len() > passwords::LENGTH {
        return Err(Refusal::InvalidField("A password is limited to 256 bytes."));
    }
    Ok(())
}
