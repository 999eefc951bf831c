//! The meaning of an issuer's names.

use super::acr::{Class, Classes};
use super::error::DeclarationError;
use crate::excerpt::Excerpt;
use crate::factor::Factor;

/// The names of an issuer and their meaning: names of methods (`amr`), and authentication context
/// classes (`acr`).
///
/// A name with one factor proves it. A name with several factors proves one of them, and the token
/// does not say which: a policy then has to hold whichever it was. A name without an entry is only
/// the issuer's word ([`Policy::amr`](crate::Policy::amr)). A value of `acr` counts only if it is
/// declared.
///
/// ```
/// use tower_step_up::Factor;
/// use tower_step_up::profile::Names;
///
/// let names = Names::new()
///     .amr("pwd", [Factor::Password])
///     .amr("otp", [Factor::Totp, Factor::OtpSms]) // one of them, and the token does not say which
///     .proves_nothing("refresh")
///     .acr_values(["silver", "gold"]) // gold includes silver
///     .acr("gold", [[Factor::Password, Factor::Totp]]); // what the issuer guarantees for it
/// assert!(names.check().is_ok());
/// assert!(Names::new().amr("otp", []).check().is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    methods: Vec<(Box<str>, Vec<Factor>)>,
    nothing: Vec<Box<str>>,
    pub(super) classes: Classes,
    covered: Vec<Factor>,
    covers_all: bool,
    /// The first declaration that breaks a rule.
    error: Option<DeclarationError>,
}

impl Names {
    /// Returns a table without names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares that a method's name proves one of these factors. It replaces what was declared for
    /// the name before.
    #[must_use]
    pub fn amr(mut self, name: &str, factors: impl IntoIterator<Item = Factor>) -> Self {
        let factors: Vec<_> = factors.into_iter().collect();
        if factors.is_empty() {
            return self.failed(DeclarationError::NoFactor(Excerpt::of(Some(name))));
        }
        self.methods.retain(|(known, _)| **known != *name);
        self.nothing.retain(|known| **known != *name);
        self.methods.push((name.into(), factors));
        self
    }

    /// Narrows what a method's name can mean to some of the factors that are declared for it.
    #[must_use]
    pub fn narrow(self, name: &str, factors: impl IntoIterator<Item = Factor>) -> Self {
        let factors: Vec<_> = factors.into_iter().collect();
        let known = self.candidates(name);
        if known.is_empty() {
            return self.failed(DeclarationError::UndeclaredMethod(Excerpt::of(Some(name))));
        }
        match factors.iter().find(|factor| !known.contains(factor)).cloned() {
            Some(factor) => {
                let name = Excerpt::of(Some(name));
                self.failed(DeclarationError::NotACandidate { name, factor })
            }
            None => self.amr(name, factors),
        }
    }

    /// Declares that a method's name proves nothing, not even that the user signed in at its time.
    #[must_use]
    pub fn proves_nothing(mut self, name: &str) -> Self {
        self.nothing.push(name.into());
        self
    }

    /// Declares values of `acr`, the least demanding first. Each includes those before it.
    #[must_use]
    pub fn acr_values<'v>(mut self, values: impl IntoIterator<Item = &'v str>) -> Self {
        let mut lower: Vec<&str> = Vec::new();
        for value in values {
            if let Err(error) = self.classes.declare(value).map(drop) {
                return self.failed(error);
            }
            for lower in &lower {
                if let Err(error) = self.classes.include(value, lower) {
                    return self.failed(error);
                }
            }
            lower.push(value);
        }
        self
    }

    /// Declares a value of `acr`, and what the issuer guarantees for it: one of these lists of
    /// factors.
    #[must_use]
    pub fn acr<A: IntoIterator<Item = Factor>>(
        mut self,
        value: &str,
        alternatives: impl IntoIterator<Item = A>,
    ) -> Self {
        let alternatives: Vec<Vec<_>> =
            alternatives.into_iter().map(|one| one.into_iter().collect()).collect();
        if alternatives.is_empty() || alternatives.iter().any(Vec::is_empty) {
            return self.failed(DeclarationError::NoAlternative(Excerpt::of(Some(value))));
        }
        match self.classes.declare(value) {
            Ok(class) => class.alternatives = alternatives,
            Err(error) => return self.failed(error),
        }
        self
    }

    /// Declares that a value of `acr` includes these, which are declared already. List every value
    /// that it includes: values that those include are not added.
    #[must_use]
    pub fn acr_includes<'v>(
        mut self,
        value: &str,
        included: impl IntoIterator<Item = &'v str>,
    ) -> Self {
        for included in included {
            if self.classes.get(included).is_none() {
                let (value, included) = (Excerpt::of(Some(value)), Excerpt::of(Some(included)));
                return self.failed(DeclarationError::UndeclaredAcr { value, included });
            }
            if let Err(error) = self.classes.include(value, included) {
                return self.failed(error);
            }
        }
        self
    }

    /// Gives a declared value of `acr` another name, in all declarations. The old name does not count any
    /// more.
    #[must_use]
    pub fn acr_renamed(mut self, value: &str, name: &str) -> Self {
        match self.classes.rename(value, name) {
            Ok(()) => self,
            Err(error) => self.failed(error),
        }
    }

    /// Declares that the issuer states this value of `acr` after the user has used one of these methods.
    /// A challenge that asks for [methods](super::StepUpBy::Methods) then knows that they lead to the
    /// value.
    #[must_use]
    pub fn acr_after<'m>(
        mut self,
        value: &str,
        methods: impl IntoIterator<Item = &'m str>,
    ) -> Self {
        match self.classes.declare(value) {
            Ok(class) => class.stated_after.extend(methods.into_iter().map(Into::into)),
            Err(error) => return self.failed(error),
        }
        self
    }

    /// Declares that a proof of these factors, if a token states one, was made at the time of the
    /// sign-in or later.
    #[must_use]
    pub fn auth_time_covers(mut self, factors: impl IntoIterator<Item = Factor>) -> Self {
        self.covered.extend(factors);
        self
    }

    /// Declares that every proof and assertion that a token states was made at the time of the
    /// sign-in or later.
    #[must_use]
    pub fn auth_time_covers_all(mut self) -> Self {
        self.covers_all = true;
        self
    }

    /// Checks the declarations.
    ///
    /// # Errors
    ///
    /// Returns the first [`DeclarationError`] if a declaration breaks a rule.
    pub fn check(&self) -> Result<(), DeclarationError> {
        self.error.clone().map_or(Ok(()), Err)
    }

    /// Returns the factors that a method's name can mean. The result is empty if it is not declared.
    pub(crate) fn candidates(&self, name: &str) -> &[Factor] {
        let known = self.methods.iter().find(|(known, _)| **known == *name);
        known.map_or(&[], |(_, factors)| factors)
    }

    /// Returns the names of methods that are declared.
    pub(super) fn methods(&self) -> impl Iterator<Item = &str> {
        self.methods.iter().map(|(name, _)| &**name)
    }

    /// Returns the values of `acr` that are declared, the least demanding first.
    pub(crate) fn acr_declared(&self) -> impl Iterator<Item = &str> {
        self.classes.iter().map(|class| &*class.value)
    }

    /// Returns the declared values of `acr` that are this one or include it.
    pub(crate) fn acr_including<'n>(&'n self, value: &'n str) -> impl Iterator<Item = &'n str> {
        let includes_it = move |class: &&Class| {
            *class.value == *value || class.includes.iter().any(|one| **one == *value)
        };
        self.classes.iter().filter(includes_it).map(|class| &*class.value)
    }

    /// Returns the declared values of `acr` that the issuer states after this method.
    pub(super) fn acr_stated_after(&self, method: &str) -> impl Iterator<Item = &str> {
        let is_stated = move |class: &&Class| class.stated_after.iter().any(|one| **one == *method);
        self.classes.iter().filter(is_stated).map(|class| &*class.value)
    }

    pub(super) fn means_nothing(&self, name: &str) -> bool {
        self.nothing.iter().any(|known| **known == *name)
    }

    pub(super) fn covers(&self, factor: &Factor) -> bool {
        self.covers_all || self.covered.contains(factor)
    }

    /// Returns whether the time of the sign-in dates any factor.
    pub(crate) fn covers_factors(&self) -> bool {
        self.covers_all || !self.covered.is_empty()
    }

    fn failed(mut self, error: DeclarationError) -> Self {
        self.error = self.error.or(Some(error));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(names: &Names) -> String {
        names.check().map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn a_declaration_that_breaks_a_rule_is_named_with_its_remedy() {
        let otp = || Names::new().amr("otp", [Factor::Totp, Factor::OtpSms]);
        let none: [[Factor; 0]; 0] = [];
        for (names, want) in [
            (otp(), ""),
            (otp().narrow("otp", [Factor::Totp]), ""),
            (otp().narrow("otp", []), "the method \"otp\" needs at least one factor"),
            (otp().amr("otp", []), "the method \"otp\" needs at least one factor"),
            (otp().narrow("otp", [Factor::OtpEmail]), "the method \"otp\" cannot mean otp/email"),
            (otp().narrow("sms", [Factor::OtpSms]), "the method \"sms\" has no factors to narrow"),
            (otp().acr("gold", none), "the acr value \"gold\" needs at least one alternative"),
            (otp().acr("gold", [vec![Factor::Totp], vec![]]), "the acr value \"gold\" needs"),
            (otp().acr_values(["silver", "gold"]), ""),
            (otp().acr_values(["0"]), "\"0\" cannot be a value of acr"),
            (otp().acr_values([""]), "\"\" cannot be a value of acr"),
            (otp().acr_values(["a b"]), "\"a b\" cannot be a value of acr"),
            (otp().acr("a\"b", [[Factor::Totp]]), "\"a\\\"b\" cannot be a value of acr"),
            (otp().acr_values(["a\\b"]), "\"a\\\\b\" cannot be a value of acr"),
            (otp().acr_values(["g\u{f6}ld"]), "\"g\\u{f6}ld\" cannot be a value of acr"),
            (otp().acr_values(["b"]).acr_includes("a", ["b"]), ""),
            (
                otp().acr_includes("a", ["b"]),
                "the acr value \"a\" cannot include \"b\", which is not",
            ),
            (
                otp().acr_values(["a", "b", "a"]),
                "the acr values \"a\" and \"b\" include each other",
            ),
            (
                otp().acr_values(["a", "b"]).acr_values(["b", "a"]),
                "the acr values \"a\" and \"b\" include each other",
            ),
            (
                otp().acr_values(["a", "b"]).acr_includes("a", ["b"]),
                "the acr values \"a\" and \"b\" include each other",
            ),
            (otp().acr_values(["a", "b"]).acr_values(["a", "b"]), ""),
            (otp().acr_values(["a", "b"]).acr_renamed("a", "c"), ""),
            (
                otp().acr_renamed("a", "c"),
                "the acr value \"a\" cannot be renamed to \"c\": expected",
            ),
            (
                otp().acr_values(["a", "b"]).acr_renamed("a", "b"),
                "the acr value \"a\" cannot be renamed to \"b\": expected",
            ),
            (otp().acr_values(["a"]).acr_renamed("a", "0"), "\"0\" cannot be a value of acr"),
            (
                otp().acr_values(["a"]).acr_renamed("a", "b").acr("a", [[Factor::Totp]]),
                "the acr value \"a\" was renamed to \"b\": declare it by its new name",
            ),
            // The first fault is reported.
            (otp().acr_values(["0"]).amr("otp", []), "\"0\" cannot be a value of acr"),
        ] {
            let message = message(&names);
            assert!(
                message.starts_with(want) && want.is_empty() == message.is_empty(),
                "{message}"
            );
        }
    }

    #[test]
    fn a_ladder_includes_all_lower_values() {
        let names = Names::new().acr_values(["a", "b", "c"]).acr_includes("d", ["c"]);
        let included = |value| &names.classes.get(value).expect("declared").includes;
        assert_eq!(included("a").len(), 0);
        assert_eq!(*included("c"), ["a".into(), "b".into()]);
        // Values that an included value includes are not added.
        assert_eq!(*included("d"), ["c".into()]);
        assert_eq!(names.acr_declared().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_value_has_its_new_name_wherever_it_was_declared() {
        let names = Names::new().acr_values(["a", "b", "c"]).acr("a", [[Factor::Totp]]);
        let names = names.acr_renamed("a", "low");
        assert_eq!(names.acr_declared().collect::<Vec<_>>(), ["low", "b", "c"]);
        let class = |value| names.classes.get(value);
        assert!(class("a").is_none());
        assert_eq!(class("low").expect("declared").alternatives, [[Factor::Totp]]);
        assert_eq!(class("c").expect("declared").includes, ["low".into(), "b".into()]);
    }
}
