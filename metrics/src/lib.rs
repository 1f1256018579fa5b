//! What the node and the coordinator count alike, in the Prometheus text format.
//!
//! Names, types and labels are a contract with whoever watches: `docs/metrics.md`. Every series is there
//! from the start, so that a rate over the first event is right, and no label names a job, a contributor or
//! an item.

mod connections;
mod families;
mod queue;
mod store;
mod survey;

pub use connections::Connections;
pub use families::{Families, SESSION_SECONDS};
pub use queue::{Queue, QueuePermit, Queues};
pub use store::{Operation, StoreMeter};
pub use survey::Survey;
