//! The reasons for which a session opens values.

/// What a session opens, and why that reveals nothing about a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Opening {
    /// A fresh random sharing that nothing else uses: see [`Session::coin`](crate::session::Session::coin).
    Coin,
    /// The values `f(r)`, `g(r)` and `h(r)` at the end of the check of products, masked by a random pair: see
    /// [`Session::verify`](crate::session::Session::verify).
    ProductCheck,
    /// Numbers plus random masks that are longer by the statistical security parameter: see
    /// [`to_bits`](crate::circuit::to_bits).
    MaskedNumbers,
    /// Elements times uniformly random factors: see [`inverses`](crate::circuit::inverses).
    MaskedFactors,
    /// Linear combinations of inputs that are 0 for every well-formed input: see
    /// [`Session::open_check`](crate::session::Session::open_check).
    InputCheck,
    /// A verified result that every participant has recorded: see [`Recorded::open`](crate::session::Recorded::open).
    Result,
    /// Any value, in a test.
    #[cfg(any(test, feature = "testing"))]
    Test,
}

impl Opening {
    /// The opened values in words, as error messages name them.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Coin => "a coin",
            Self::ProductCheck => "the check of products",
            Self::MaskedNumbers => "masked numbers",
            Self::MaskedFactors => "elements times random factors",
            Self::InputCheck => "the check of inputs",
            Self::Result => "a recorded result",
            #[cfg(any(test, feature = "testing"))]
            Self::Test => "a test value",
        }
    }
}
