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
    /// Whether [`Self::on_run`] is to be called.
    fn looks_at_answers(&self) -> bool {
        false
    }

    /// Sees counted answers on the one look at them. `submission` has the rows of the run's submission, one vector for each
    /// component.
    fn on_run(&mut self, _run: &RowRun<'_>, _submission: &[&[Fp61]]) {}

    /// Asks for products, after the look at the answers. Returns how the outputs follow from them.
    fn ask(self: Box<Self>, input: &Input<'_>, batch: &mut Batch) -> Finish<N>;
}

/// Makes outputs of the results of products.
///
/// # Errors
/// A further round failed, or the accepted set was not recorded.
pub(crate) type Finish<N> = Box<dyn FnOnce(&mut Progress<'_, N>, &Products) -> Result<(), ScoringError>>;
