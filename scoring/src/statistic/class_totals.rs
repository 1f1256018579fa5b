//! How often each class was answered.

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::network::Network;
use tacit_mpc_core::sharing::Shared;
use tacit_protocol::release::OutputName;

use super::{Finish, Statistic};
use crate::batch::Batch;
use crate::input::Input;

/// One element for each class: the sum of the tally over all items.
pub(crate) struct ClassTotals(Shared<Fp61>);

impl ClassTotals {
    /// Where the job releases class totals. Linear, so local.
    pub fn wanted<N: Network>(input: &Input<'_>) -> Option<Box<dyn Statistic<N>>> {
        input
            .opens(OutputName::ClassTotals)
            .then(|| Box::new(Self(input.totals.weighted(&input.party, |_| Fp61::ONE))) as _)
    }
}

impl<N: Network> Statistic<N> for ClassTotals {
    fn ask(self: Box<Self>, _: &Input<'_>, _: &mut Batch) -> Finish<N> {
        Box::new(move |progress, _| {
            progress.output(OutputName::ClassTotals, self.0);
            Ok(())
        })
    }
}
