//! The page where a user of the stand-in signs in.

use askama::Template;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "stand_in.html")]
pub(super) struct LogInPage {
    levels: Vec<Level>,
    asked: String,
}

struct Level {
    name: String,
    is_selected: bool,
}

/// The form of the page.
#[derive(Deserialize)]
pub(super) struct LogIn {
    pub(super) user: String,
    pub(super) level: String,
    pub(super) cancel: Option<String>,
}

impl LogInPage {
    /// Returns the page with these levels. The first one that the request asks for is selected.
    pub(super) fn new(levels: &[String], acr_values: &str) -> Self {
        let asked: Vec<_> = acr_values.split(' ').filter(|value| !value.is_empty()).collect();
        let selected = levels.iter().find(|level| asked.contains(&level.as_str()));
        let level =
            |name: &String| Level { name: name.clone(), is_selected: selected == Some(name) };
        Self { levels: levels.iter().map(level).collect(), asked: asked.join(" or ") }
    }
}
