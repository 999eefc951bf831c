//! Builds HTML. Text cannot become markup.

use std::fmt::Display;

/// A page, or a part of one. [`markup`](Self::markup) takes only literals of this program, and
/// [`text`](Self::text) escapes everything.
#[derive(Default)]
pub(crate) struct Html(String);

impl Html {
    /// Appends markup.
    pub(crate) fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Appends text between tags or in a quoted attribute.
    pub(crate) fn text(&mut self, text: impl Display) -> &mut Self {
        for character in text.to_string().chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                character => self.0.push(character),
            }
        }
        self
    }

    /// Returns what was built.
    pub(crate) fn finish(self) -> String {
        self.0
    }
}
