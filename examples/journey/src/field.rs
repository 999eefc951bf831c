//! A form field with its label, hint and error. Their ids connect them for screen readers.

use askama::Template;
use askama::filters::HtmlSafe;

#[derive(Template)]
#[template(path = "parts/field.html")]
pub(crate) struct Field<'a> {
    /// The input's name and id.
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    autocomplete: &'static str,
    inputmode: &'static str,
    hint: &'static str,
    value: &'a str,
    error: Option<String>,
    maxlength: usize,
    optional: bool,
    /// Whether the browser must not change what the user types, such as its first letter.
    verbatim: bool,
    /// Whether the input has the focus when the page opens. The first field with an error has it.
    focus: bool,
    /// The ids of further elements that describe the input.
    described_by: &'static str,
}

/// The template escapes every value, which makes the result safe HTML.
impl HtmlSafe for Field<'_> {}

impl<'a> Field<'a> {
    pub(crate) fn text(name: &'static str, label: &'static str, value: &'a str) -> Self {
        Self {
            name,
            label,
            kind: "text",
            autocomplete: "off",
            inputmode: "",
            hint: "",
            value,
            error: None,
            maxlength: 140,
            optional: false,
            verbatim: false,
            focus: false,
            described_by: "",
        }
    }

    pub(crate) fn email(value: &'a str) -> Self {
        Self {
            kind: "email",
            autocomplete: "username",
            maxlength: 254,
            ..Self::text("email", "Email address", value)
        }
    }

    /// Returns a password field. It never shows the password again.
    pub(crate) fn password(autocomplete: &'static str) -> Self {
        Self {
            kind: "password",
            autocomplete,
            maxlength: 256,
            ..Self::text("password", "Password", "")
        }
    }

    /// Returns a field for a code of six digits.
    pub(crate) fn code(label: &'static str) -> Self {
        let text = Self::text("code", label, "");
        Self {
            autocomplete: "one-time-code",
            inputmode: "numeric",
            hint: "Six digits.",
            maxlength: 12,
            ..text
        }
    }

    /// Returns a field for a recovery code of the authenticator app.
    pub(crate) fn recovery_code() -> Self {
        Self {
            hint: "One of the codes that you kept when you added the authenticator app.",
            maxlength: 64,
            verbatim: true,
            ..Self::text("recovery_code", "Recovery code", "")
        }
    }

    pub(crate) fn phone_number(value: &'a str) -> Self {
        let hint = "With its country code, for example +1 202 555 0143.";
        let text = Self::text("phone_number", "Phone number", value);
        Self { kind: "tel", autocomplete: "tel", inputmode: "tel", hint, maxlength: 24, ..text }
    }

    pub(crate) fn autocomplete(self, autocomplete: &'static str) -> Self {
        Self { autocomplete, ..self }
    }

    pub(crate) fn inputmode(self, inputmode: &'static str) -> Self {
        Self { inputmode, ..self }
    }

    pub(crate) fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    pub(crate) fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    pub(crate) fn error(self, error: Option<impl ToString>) -> Self {
        Self { focus: error.is_some(), error: error.map(|error| error.to_string()), ..self }
    }

    /// Gives the input the focus when the page opens, unless something else on the page comes first.
    /// The elements with these ids then describe it, because a screen reader begins at the input.
    pub(crate) fn focused_unless(self, is_elsewhere: bool, described_by: &'static str) -> Self {
        Self { focus: !is_elsewhere, described_by, ..self }
    }

    /// Leaves the focus on the first field with an error only.
    pub(crate) fn one_focus<const N: usize>(mut fields: [Self; N]) -> [Self; N] {
        fields.iter_mut().filter(|field| field.focus).skip(1).for_each(|field| field.focus = false);
        fields
    }

    fn described_by(&self) -> String {
        let ids = [("hint", !self.hint.is_empty()), ("error", self.error.is_some())];
        let own = ids.iter().filter(|it| it.1).map(|it| format!("{}-{}", self.name, it.0));
        let others = self.described_by.split_whitespace().map(str::to_owned);
        others.chain(own).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_text_is_escaped() {
        let field =
            Field::text("payee", "Payee", "\"><script>").error(Some("<b>")).render().unwrap();
        assert!(!field.contains("<script") && !field.contains("<b>"), "{field}");
        assert!(field.contains("aria-describedby=\"payee-error\""), "{field}");
    }
}
