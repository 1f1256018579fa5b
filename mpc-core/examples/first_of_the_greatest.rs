//! Four nodes find out, for each of five items, which of three candidates has the most votes. They see no number of votes.
//!
//! `cargo run -p tacit-mpc-core --features testing --example first_of_the_greatest`

use tacit_mpc_core::circuit::{BitPlanes, bit_length, first_of_the_greatest, numbers_of, to_bits};
use tacit_mpc_core::field::Gf64;
use tacit_mpc_core::session::{Openable, SessionError, ToOpen};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_mpc_core::testing::sessions::{deal, elements, in_session, world};

const CANDIDATES: usize = 3;
const ITEMS: usize = 5;
/// The votes for each candidate, item by item; at most 7.
const VOTES: [u64; CANDIDATES * ITEMS] = [5, 2, 0, 1, 1, 4, 3, 3, 0, 0, 7, 2, 2, 2, 2];

/// The index of the winner of each item, bit by bit.
struct Winners(BitPlanes);

impl Openable for Winners {
    type Field = Gf64;
    type Value = Vec<u64>;

    fn to_open(&self, party: &Party) -> ToOpen<Gf64> {
        Shared::concat(party, &self.0).into()
    }

    fn read_opened(self, words: &[Gf64]) -> Vec<u64> {
        let planes: Vec<&[Gf64]> = words.chunks(words.len() / self.0.len()).collect();
        numbers_of(&planes, ITEMS).to_vec()
    }
}

fn main() -> Result<(), SessionError> {
    let results = in_session(&world(4, 1, 1), |session| {
        // In a real computation nobody knows the votes: they are sums of what many contributors have shared.
        let votes = deal(session.party(), &elements(&VOTES), 2);
        // One row for each item, one column for each candidate.
        let bits = to_bits(session, &votes, CANDIDATES, bit_length(7))?;
        let winners = Winners(first_of_the_greatest(session, CANDIDATES, bits)?);
        // Nothing can be opened before all products are verified and all nodes have recorded what they open.
        let verified = session.verify_claims(winners)?;
        let opened = session.recorded(verified)?.open(session)?.into_inner();
        Ok((opened, session.traffic()))
    });
    for (node, result) in results.into_iter().enumerate() {
        let (winners, traffic) = result?;
        println!(
            "node {node}: winners {winners:?}, {} rounds, {} bytes sent",
            traffic.rounds, traffic.sent
        );
        // The first one of several with equally many votes.
        assert_eq!(winners, [0, 2, 0, 1, 0]);
    }
    Ok(())
}

#[test]
fn the_example_runs() {
    main().unwrap();
}
