//! Lists that cannot be empty.

use super::Policy;

/// A list of 1 to 16 clauses, each a [`Policy`] or a [`Factor`](crate::Factor): an array. An empty one does not compile.
#[diagnostic::on_unimplemented(
    message = "a policy needs an array of 1 to 16 clauses",
    label = "not an array of 1 to 16 policies or factors",
    note = "an empty list would demand nothing (`all_of`) or could never be met (`any_of`)"
)]
pub trait NonEmpty: sealed::Sealed {
    #[doc(hidden)]
    fn into_policies(self) -> Vec<Policy>;
}

mod sealed {
    #[expect(unnameable_types, reason = "sealed: nobody else implements it")]
    pub trait Sealed {}
}

macro_rules! non_empty {
    ($($length:literal)*) => {$(
        impl<T: Into<Policy>> sealed::Sealed for [T; $length] {}

        impl<T: Into<Policy>> NonEmpty for [T; $length] {
            fn into_policies(self) -> Vec<Policy> {
                self.into_iter().map(Into::into).collect()
            }
        }
    )*};
}

non_empty!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
