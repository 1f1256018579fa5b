//! The certificate of `protocol/vectors/certificate.json`: of a whole computation in memory, with fixed seeds.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::fixtures::{submission, submission_of_rows};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::vectors::certificate::{self, Case};
use tacit_protocol::vectors::{Vectors, setup::Setup};

use crate::testing::run_to_certificate;

/// Makes the file. Three contributors and the buyer answer; a fourth contributor's answers are malformed.
pub fn make() -> Vectors<Case> {
    let setup = Setup::new();
    let Setup { members, job, .. } = &setup;
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let key = SecretKey::generate(&mut rng);
    let elements = [1, 1, 0, 0, 0, 1].map(Fp61::from_i64);
    let submissions = [
        setup.submission(),
        submission(members, job, 1, &[(0, 2), (1, 1), (2, 0), (3, 1)]),
        submission_of_rows(&members.cluster, job, "malformed", &key, vec![0, 1], &elements, &mut rng),
        submission(members, job, 2, &[(0, 0), (1, 0), (2, 2)]),
        setup.gold_submission(),
    ];
    let (certificate, report) = run_to_certificate(members, NodeSet::all(3), job, &submissions);
    certificate::make(&setup, &certificate, &report.to_json(), &report.payouts_csv())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;
    use tacit_protocol::certificate::Certificate;
    use tacit_protocol::vectors::{OK, read};

    #[test]
    fn the_certificate_is_what_is_made_today() {
        let (stored, made) = (read::<Vectors<Case>>("certificate.json"), make());
        assert_eq!(stored.about, made.about);
        assert_eq!(stored.cases.len(), made.cases.len());
        for (stored, made) in stored.cases.iter().zip(&made.cases) {
            assert!(
                stored == made,
                "case `{}`: make the files again, see protocol/vectors/README.md, and look at what has changed",
                made.name
            );
        }
    }

    #[test]
    fn results_follow_from_the_certificate() {
        let setup = Setup::new();
        let mut good = 0;
        for case in read::<Vectors<Case>>("certificate.json").cases {
            let report = Certificate::from_json(case.certificate.as_bytes()).and_then(|read| Report::new(&read, &setup.members.cluster));
            let verdict = report.as_ref().err().map_or(OK, certificate::name);
            assert_eq!(verdict, case.expect, "{}", case.name);
            let Ok(report) = report else { continue };
            assert_eq!(report.to_json(), case.result_json.unwrap().as_bytes());
            assert_eq!(report.payouts_csv(), case.payouts_csv.unwrap().as_bytes());
            good += 1;
        }
        assert_eq!(good, 1);
    }
}
