//! The stages that every statistic goes through: it sees answers, asks for products, and makes outputs of the results.

use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::network::Network;

use crate::batch::{Batch, Products};
use crate::error::ScoringError;
use crate::input::Input;
use crate::progress::Progress;
use crate::rows::RowRun;

/// A statistic while it is computed.
pub(crate) trait Statistic<N: Network> {
    /// The sum over the answers that the statistic needs, if it needs one.
    fn answer_sum(&mut self) -> Option<&mut dyn AnswerSum> {
        None
    }

    /// Asks for products, after the look at the answers. Returns how the outputs follow from them.
    fn ask(self: Box<Self>, input: &Input<'_>, batch: &mut Batch) -> Finish<N>;
}

/// A sum over the counted answers. All sums are added up in one pass, because seeds are expanded for it.
pub(crate) trait AnswerSum {
    /// Adds a run of counted answers. `submission` has all rows of the run's submission, one vector for each component.
    fn add(&mut self, run: &RowRun<'_>, submission: &[&[Fp61]]);
}

/// Makes outputs of the results of products.
///
/// # Errors
/// A further round failed, or the accepted set was not recorded.
pub(crate) type Finish<N> = Box<dyn FnOnce(&mut Progress<'_, N>, &Products) -> Result<(), ScoringError>>;
