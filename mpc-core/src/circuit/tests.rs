//! Numbers in and out of circuits.

use super::bit_planes::tests::planes_of;
use super::bit_planes::{BitPlanes, bit_length, numbers_of};
use crate::field::Gf64;
use crate::session::{Opening, Session, SessionError};
use crate::sharing::Party;
use crate::testing::WorldNetwork;
use crate::testing::sessions::deal;

/// This node's components of the bits of numbers, dealt with a seed.
pub(super) fn planes(party: &Party, numbers: &[u64], bits: u32, seed: u64) -> BitPlanes {
    let planes = planes_of(numbers, bits as usize);
    let deal = |(bit, plane): (usize, &Vec<Gf64>)| deal(party, plane, seed << 8 | bit as u64);
    planes.iter().enumerate().map(deal).collect()
}

/// The first `len` numbers, opened after all products were verified.
pub(super) fn opened(session: &mut Session<WorldNetwork>, planes: &BitPlanes, len: usize) -> Result<Vec<u64>, SessionError> {
    session.verify_claims(())?;
    let opened = planes
        .iter()
        .map(|plane| session.open(plane, Opening::Test))
        .collect::<Result<Vec<_>, _>>()?;
    let opened: Vec<&[Gf64]> = opened.iter().map(Vec::as_slice).collect();
    Ok(numbers_of(&opened, len).to_vec())
}

#[test]
fn a_number_has_the_bits_it_needs() {
    for (max, bits) in [(0, 1), (1, 1), (2, 2), (5, 3), (7, 3), (8, 4), (1000, 10), (u64::MAX, 64)] {
        assert_eq!(bit_length(max), bits);
    }
}
