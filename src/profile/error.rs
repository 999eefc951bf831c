//! Errors of profiles: claims that cannot be read, and declarations that break a rule.

use crate::excerpt::Excerpt;
use crate::factor::Factor;

/// A claim that a profile does not accept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// The claim has a type or a value that cannot be read.
    #[error("the claim {} cannot be read", .0.escape_default())]
    Unreadable(Box<str>),
    /// The claim is a list with too many entries.
    #[error("the claim {} has {count} entries, and the limit is 256", .claim.escape_default())]
    TooMany {
        /// The name of the claim.
        claim: Box<str>,
        /// The number of its entries.
        count: usize,
    },
    /// The profile refuses the token for this reason.
    #[error("{0}")]
    Refused(&'static str),
}

/// A declaration of an issuer's names that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeclarationError {
    /// A method's name has no factor. Then no token could be understood.
    #[error(
        "the method {0} needs at least one factor; declare a name without any with `proves_nothing`"
    )]
    NoFactor(Excerpt),
    /// A method's name is to be narrowed that has no meaning yet.
    #[error(
        "the method {0} has no factors to narrow; declare them with `amr`, or correct the name"
    )]
    UndeclaredMethod(Excerpt),
    /// A method's name is to be narrowed to a factor that it cannot mean.
    #[error(
        "the method {name} cannot mean {factor}: expected one of the factors that the profile lists for it"
    )]
    NotACandidate {
        /// The name.
        name: Excerpt,
        /// The factor.
        factor: Factor,
    },
    /// A value of `acr` has no alternative, or an alternative has no factor.
    #[error(
        "the acr value {0} needs at least one alternative, and each alternative at least one factor"
    )]
    NoAlternative(Excerpt),
    /// A value of `acr` is `0`, is empty, or contains anything but visible ASCII, or a space, `"` or
    /// `\`.
    #[error(
        "{0} cannot be a value of acr: expected visible ASCII without space, quote and backslash, and not 0"
    )]
    AcrValue(Excerpt),
    /// Two values of `acr` include each other, so each would meet the demand for the other.
    #[error("the acr values {value} and {included} include each other: declare one order of them")]
    MutualInclusion {
        /// The value.
        value: Excerpt,
        /// The value that it includes, and that includes it.
        included: Excerpt,
    },
    /// A value of `acr` is to include one that is not declared.
    #[error("the acr value {value} cannot include {included}, which is not declared before it")]
    UndeclaredAcr {
        /// The value.
        value: Excerpt,
        /// The value that it includes.
        included: Excerpt,
    },
    /// A value of `acr` is to have another name, but it is not declared, or the name is declared already.
    #[error(
        "the acr value {value} cannot be renamed to {name}: expected a declared value, and a name that is \
         not declared yet"
    )]
    Renaming {
        /// The value.
        value: Excerpt,
        /// Its new name.
        name: Excerpt,
    },
    /// A value of `acr` is declared that has another name now.
    #[error("the acr value {value} was renamed to {name}: declare it by its new name")]
    Renamed {
        /// The value.
        value: Excerpt,
        /// Its new name.
        name: Excerpt,
    },
}
