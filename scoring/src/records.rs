//! What the nodes certify to each contributor: the records of a job, which follow from its accepted set and from what it opens about
//! contributors. The nodes, the coordinator and tests make them in this one way.

use tacit_mpc_core::field::Fp61;
use tacit_protocol::certificate::CertificateError;
use tacit_protocol::job::Terms;
use tacit_protocol::receipt::{Record, Score};
use tacit_protocol::release::OutputName;

use crate::payout::pay_of;

/// Writes scores and pay into [`Record::without_pay`]. `opened` gives the elements of an output that the job opens; of contributors of
/// whom answers count there is one element each, in the order of the public facts, which is that of the records.
///
/// # Errors
/// An output is missing or holds what no answers give.
pub fn with_pay<'o>(
    terms: &Terms,
    mut records: Vec<Record>,
    outputs: &[OutputName],
    opened: impl Fn(OutputName) -> Option<&'o [Fp61]>,
) -> Result<Vec<Record>, CertificateError> {
    let outputs: Vec<(OutputName, &[Fp61])> = outputs
        .iter()
        .filter(|output| output.is_about_contributors())
        .map(|output| Ok((*output, opened(*output).ok_or(CertificateError::Value(*output))?)))
        .collect::<Result<_, CertificateError>>()?;
    let mut index = 0;
    for record in &mut records {
        let Record::Contributor(record) = record else { continue };
        if record.facts.answers > 0 {
            for (output, values) in &outputs {
                let value = *values.get(index).ok_or(CertificateError::Value(*output))?;
                record.scores.push(Score { output: *output, value });
            }
            index += 1;
        }
        let pay = pay_of(terms, &record.facts, |output| record.score(output))?;
        record.pay = pay.map(|pay| pay.total);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Scored;
    use crate::testing::{SALTS, publish, run_nodes};
    use rand_core::SeedableRng;
    use tacit_mpc_core::sharing::NodeSet;
    use tacit_mpc_core::testing::World;
    use tacit_protocol::accepted::AcceptedSet;
    use tacit_protocol::fixtures::{cluster_with_keys, job, signed_for, submission, submission_list, submission_of_rows};
    use tacit_protocol::identity::SecretKey;
    use tacit_protocol::job::PayRule;
    use tacit_protocol::receipt::{ContributorRecord, ReceiptRoot, RecordTree};
    use tacit_protocol::reject::RejectReason;

    /// The records of contributors.
    fn contributors(records: &[Record]) -> Vec<&ContributorRecord> {
        let mut found = Vec::new();
        for record in records {
            if let Record::Contributor(one) = record {
                found.push(one);
            }
        }
        found
    }

    #[test]
    fn all_nodes_sign_the_root_of_what_the_certificate_says() {
        let members = cluster_with_keys(3, 1);
        for rule in [PayRule::Flat, PayRule::PeerAgreement, PayRule::PeerAgreementBeyondChance] {
            let job = signed_for(&members.cluster, &job(3, 3, 2, rule));
            let mut rng = rand_chacha::ChaCha20Rng::from_seed([1; 32]);
            let elements = [1, 1, 0].map(Fp61::from_i64);
            let key = SecretKey::from_bytes(&[9; 32]);
            let submissions = [
                submission(&members, &job, 0, &[(0, 0), (1, 1), (2, 2)]),
                submission_of_rows(&members.cluster, &job, "malformed", &key, vec![0], &elements, &mut rng),
                submission(&members, &job, 1, &[(0, 0), (1, 1), (2, 0)]),
                submission(&members, &job, 2, &[(0, 0)]),
            ];
            let world = World::new(members.cluster.access().clone(), 1);
            let results = run_nodes(&world, &members, &job, &submissions);
            let scored: Vec<&Scored> = results.iter().map(|one| one.as_ref().unwrap()).collect();
            let list = submission_list(&submissions);
            let header = |entry: usize| Some(&submissions[entry].header.value);
            let accepted = AcceptedSet::assemble(&job, &list, &scored[0].verdicts, header).unwrap();
            let roots: Vec<ReceiptRoot> = scored.iter().map(|one| one.records).collect();
            let (certificate, report) = publish(&members, NodeSet::all(3), &job, &submissions, results).unwrap();

            let opened = certificate.verify(&members.cluster).unwrap();
            let outputs = OutputName::of_job(job.terms(), accepted.facts());
            let records = with_pay(job.terms(), Record::without_pay(&list, &accepted), &outputs, |name| {
                opened.get(name)
            })
            .unwrap();
            let root = ReceiptRoot::new(&RecordTree::new(&SALTS, records.clone()), 2);
            assert_eq!(roots, [root; 3]);
            assert_eq!(certificate.records, root);

            let paid: Vec<u64> = contributors(&records).into_iter().map(|one| one.pay.unwrap()).collect();
            let reported: Vec<u64> = report.payouts.unwrap().items.into_iter().map(|one| one.amount).collect();
            // The third contributor found its item full, and does not stand in the report.
            assert_eq!(paid, [reported, vec![0]].concat());
            let Some(Record::Submission(alone)) = records.last() else {
                panic!("{records:?}")
            };
            assert_eq!(
                (alone.digest, alone.left_out[0].reason),
                (list[1].submission, RejectReason::MalformedAnswer)
            );
        }
    }

    #[test]
    fn an_output_that_is_missing_or_too_short_gives_no_pay() {
        let members = cluster_with_keys(3, 1);
        let job = job(1, 3, 2, PayRule::PeerAgreement);
        let submissions = [0, 1].map(|c| submission(&members, &job, c, &[(0, 0)]));
        let list = submission_list(&submissions);
        let verdicts = [tacit_protocol::verdict::Verdict::Accepted; 2];
        let accepted = AcceptedSet::assemble(&job, &list, &verdicts, |entry| Some(&submissions[entry].header.value)).unwrap();
        let records = Record::without_pay(&list, &accepted);
        let outputs = [OutputName::ContributorAgreement];
        let values = [Fp61::from_i64(1); 2];
        assert!(with_pay(job.terms(), records.clone(), &outputs, |_| Some(&values)).is_ok());
        for opened in [None, Some(&values[..1])] {
            let error = with_pay(job.terms(), records.clone(), &outputs, |_| opened).unwrap_err();
            assert_eq!(error, CertificateError::Value(OutputName::ContributorAgreement));
        }
        let error = with_pay(job.terms(), records, &[], |_| None).unwrap_err();
        assert_eq!(error, CertificateError::Value(OutputName::ContributorAgreement));
    }
}
