//! Statistics: one file holds one whole. When it is wanted, what it adds up from the answers, which products it asks for, which
//! outputs come of them, and the public formula that reads these when they are open.

pub mod class_totals;
pub mod gold;
pub mod label_agreement;
pub mod labels;
pub mod nominal;
pub mod peers;
mod stages;
#[cfg(test)]
mod tests;

use tacit_mpc_core::network::Network;

use crate::input::Input;

pub(crate) use stages::Statistic;

/// The statistics that a job opens. `labels` are decided before all others.
pub(crate) fn wanted<N: Network>(input: &Input<'_>, labels: Option<labels::Decided>) -> Vec<Box<dyn Statistic<N>>> {
    let all: [Option<Box<dyn Statistic<N>>>; 5] = [
        class_totals::SharedTotals::wanted(input),
        nominal::Nominal::wanted(input),
        peers::Peers::wanted(input),
        gold::Gold::wanted(input),
        label_agreement::wanted(input, labels),
    ];
    all.into_iter().flatten().collect()
}
