//! Authentication context classes: those that are declared, what they include and what they mean.

use super::error::DeclarationError;
use crate::excerpt::Excerpt;
use crate::factor::{Assertion, Factor};

/// The declared values of `acr`, the least demanding first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Classes {
    declared: Vec<Class>,
    /// The values that have another name now, each with that name.
    renamed: Vec<(Box<str>, Box<str>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) value: Box<str>,
    /// The other values that this one includes.
    pub(super) includes: Vec<Box<str>>,
    /// The guarantee of the value: one of these lists of factors. It is empty if the value
    /// guarantees none in particular.
    pub(super) alternatives: Vec<Vec<Factor>>,
    /// The methods after which the issuer states the value.
    pub(super) stated_after: Vec<Box<str>>,
}

impl Classes {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Class> {
        self.declared.iter()
    }

    pub(super) fn get(&self, value: &str) -> Option<&Class> {
        self.declared.iter().find(|class| *class.value == *value)
    }

    /// Declares a value, if it is not declared yet.
    pub(super) fn declare(&mut self, value: &str) -> Result<&mut Class, DeclarationError> {
        if !Assertion::is_acr_value(value) {
            return Err(DeclarationError::AcrValue(Excerpt::of(Some(value))));
        }
        if let Some((value, name)) = self.renamed.iter().find(|(renamed, _)| **renamed == *value) {
            let (value, name) = (Excerpt::of(Some(value)), Excerpt::of(Some(name)));
            return Err(DeclarationError::Renamed { value, name });
        }
        let place = self
            .declared
            .iter()
            .position(|class| *class.value == *value)
            .unwrap_or(self.declared.len());
        if place == self.declared.len() {
            let (includes, alternatives, stated_after) = (Vec::new(), Vec::new(), Vec::new());
            self.declared.push(Class { value: value.into(), includes, alternatives, stated_after });
        }
        self.declared
            .get_mut(place)
            .ok_or_else(|| DeclarationError::AcrValue(Excerpt::of(Some(value))))
    }

    /// Gives a declared value another name, which is not declared yet.
    pub(super) fn rename(&mut self, value: &str, name: &str) -> Result<(), DeclarationError> {
        if self.get(value).is_none() || self.get(name).is_some() {
            let (value, name) = (Excerpt::of(Some(value)), Excerpt::of(Some(name)));
            return Err(DeclarationError::Renaming { value, name });
        }
        if !Assertion::is_acr_value(name) {
            return Err(DeclarationError::AcrValue(Excerpt::of(Some(name))));
        }
        for class in &mut self.declared {
            for known in [&mut class.value].into_iter().chain(&mut class.includes) {
                if **known == *value {
                    *known = name.into();
                }
            }
        }
        self.renamed.push((value.into(), name.into()));
        Ok(())
    }

    /// Declares that a value includes another one, which is declared already.
    pub(super) fn include(&mut self, value: &str, included: &str) -> Result<(), DeclarationError> {
        let includes_it = |class: &Class| class.includes.iter().any(|known| **known == *value);
        if self.get(included).is_some_and(includes_it) {
            let (value, included) = (Excerpt::of(Some(value)), Excerpt::of(Some(included)));
            return Err(DeclarationError::MutualInclusion { value, included });
        }
        let class = self.declare(value)?;
        if value != included && class.includes.iter().all(|known| **known != *included) {
            class.includes.push(included.into());
        }
        Ok(())
    }
}
