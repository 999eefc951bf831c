//! The levels of an issuer, as text: `silver gold=password+totp|webauthn`.

use tower_step_up::Factor;
use tower_step_up::issuers::Issuer;

/// The levels, the least demanding first.
#[derive(Clone, Default)]
pub(crate) struct Ladder(Vec<Level>);

#[derive(Clone)]
struct Level {
    value: String,
    /// The lists of factors of which the issuer guarantees one. The list is empty if it guarantees
    /// none in particular.
    alternatives: Vec<Vec<Factor>>,
}

impl Ladder {
    /// Reads levels that are separated by spaces.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        text.split_whitespace().map(Level::parse).collect::<Result<_, _>>().map(Self)
    }

    /// Returns the value of the most demanding level.
    pub(crate) fn highest(&self) -> Option<&str> {
        self.0.last().map(|level| &*level.value)
    }

    /// Declares the levels.
    pub(crate) fn declare(&self, issuer: Issuer) -> Issuer {
        let issuer = issuer.acr_values(self.0.iter().map(|level| &*level.value));
        let mapped = self.0.iter().filter(|level| !level.alternatives.is_empty());
        mapped.fold(issuer, |issuer, level| issuer.acr(&level.value, level.alternatives.clone()))
    }
}

impl Level {
    fn parse(text: &str) -> Result<Self, String> {
        let (value, factors) = text.split_once('=').unwrap_or((text, ""));
        let factor =
            |name: &str| name.parse::<Factor>().map_err(|error| format!("{text}: {error}"));
        let list = |list: &str| list.split('+').map(factor).collect::<Result<Vec<_>, _>>();
        let alternatives = match text.contains('=') {
            true => factors.split('|').map(list).collect::<Result<_, _>>()?,
            false => Vec::new(),
        };
        Ok(Self { value: value.to_owned(), alternatives })
    }
}

impl std::fmt::Display for Ladder {
    /// Writes `silver < gold (password + totp)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, Level { value, alternatives }) in self.0.iter().enumerate() {
            f.write_str(if place == 0 { "" } else { " < " })?;
            f.write_str(value)?;
            let lists = alternatives
                .iter()
                .map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + "));
            if !alternatives.is_empty() {
                write!(f, " ({})", lists.collect::<Vec<_>>().join(", or "))?;
            }
        }
        Ok(())
    }
}
