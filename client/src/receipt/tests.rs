//! Every check against the forgery that it alone finds: switched off, the forgery passes.

use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::accepted::AcceptedSet;
use tacit_protocol::fixtures::{ClusterWithKeys, cluster_with_keys, job, submission, submission_list};
use tacit_protocol::identity::{Purpose, Signed};
use tacit_protocol::job::{Job, PayRule};
use tacit_protocol::receipt::{CertifiedRoot, LeftOut, ReceiptRoot, RecordTree, RootError, SaltSeed};
use tacit_protocol::release::{NodeSignature, OutputName, Subject};
use tacit_protocol::submission::Submission;
use tacit_protocol::verdict::Verdict;
use tacit_scoring::records::with_pay;

use super::*;

/// A job of three contributors. The first one sent three submissions, of which the second one has an answer that does not count, and the
/// third one was refused.
struct Scene {
    members: ClusterWithKeys,
    job: Job,
    submissions: Vec<Submission>,
    records: Vec<Record>,
}

impl Scene {
    fn new() -> Self {
        let members = cluster_with_keys(3, 1);
        let job = job(4, 3, 3, PayRule::PeerAgreement);
        let submissions = vec![
            submission(&members, &job, 0, &[(0, 0), (1, 1)]),
            submission(&members, &job, 0, &[(1, 1), (2, 0)]),
            submission(&members, &job, 0, &[(3, 0)]),
            submission(&members, &job, 1, &[(0, 0), (1, 1), (2, 2)]),
            submission(&members, &job, 2, &[(0, 1), (1, 1)]),
        ];
        let list = submission_list(&submissions);
        let mut verdicts = vec![Verdict::Accepted; list.len()];
        verdicts[2] = Verdict::Refused(RejectReason::Unsealable, [1, 2].into_iter().collect());
        let accepted = AcceptedSet::assemble(&job, &list, &verdicts, |entry| Some(&submissions[entry].header.value)).unwrap();
        let outputs = OutputName::of_job(job.terms(), accepted.facts());
        let opened = [3, 4, 2].map(Fp61::reduce);
        let records = with_pay(job.terms(), Record::without_pay(&list, &accepted), &outputs, |_| Some(&opened)).unwrap();
        Self {
            members,
            job,
            submissions,
            records,
        }
    }

    /// What a coordinator passes on to the first contributor if the nodes certify these records; `own` says which it passes on.
    fn certified(&self, records: Vec<Record>, own: impl Fn(&Record) -> bool) -> CertifiedReceipts {
        let list = submission_list(&self.submissions);
        let accepted = AcceptedSet::assemble(&self.job, &list, &vec![Verdict::Accepted; list.len()], |entry| {
            Some(&self.submissions[entry].header.value)
        })
        .unwrap();
        let tree = RecordTree::new(&SaltSeed::from_bytes([3; 32]), records);
        let digest = accepted.digest();
        let subject = Subject::new(&self.members.cluster, self.job.digest(), digest, &accepted, NodeSet::all(3));
        let statement = RootStatement::new(&subject, ReceiptRoot::new(&tree, 3));
        CertifiedReceipts {
            root: self.signed(statement),
            records: tree.into_proofs().filter(|proof| own(&proof.record)).collect(),
        }
    }

    fn signed(&self, statement: RootStatement) -> CertifiedRoot {
        let sign = |node: u8| NodeSignature {
            node,
            signature: statement.sign(&self.members.identities[usize::from(node)]),
        };
        CertifiedRoot {
            signatures: (0..3).map(sign).collect(),
            statement,
        }
    }

    fn is_own(&self, record: &Record) -> bool {
        let key = &self.submissions[0].header.value.statement.key;
        match record {
            Record::Contributor(one) => one.facts.key == *key,
            Record::Submission(one) => one.digest == self.submissions[2].header.value.digest(),
        }
    }

    fn honest(&self) -> CertifiedReceipts {
        self.certified(self.records.clone(), |record| self.is_own(record))
    }

    /// The records after all nodes have altered the first contributor's.
    fn altered(&self, alter: impl Fn(&mut ContributorRecord)) -> CertifiedReceipts {
        let mut records = self.records.clone();
        for record in &mut records {
            if self.is_own(record)
                && let Record::Contributor(one) = record
            {
                alter(one);
            }
        }
        self.certified(records, |record| self.is_own(record))
    }

    fn check(&self, certified: &CertifiedReceipts) -> Result<Certified, ReceiptError> {
        self.check_kept(certified, Some("kept.json"))
    }

    /// The same if the receipts are kept here, or if there are none.
    fn check_kept(&self, certified: &CertifiedReceipts, receipt: Option<&str>) -> Result<Certified, ReceiptError> {
        self.check_withdrawn(certified, receipt, &[])
    }

    /// The same if the first submissions but one for each of these lists of receipts are kept, and the others withdrawn.
    fn check_withdrawn(
        &self,
        certified: &CertifiedReceipts,
        receipt: Option<&str>,
        erasures: &[Vec<ErasureReceipt>],
    ) -> Result<Certified, ReceiptError> {
        let (kept, withdrawn) = self.submissions[..3].split_at(3 - erasures.len());
        let kept: Vec<KeptSubmission<'_>> = kept
            .iter()
            .map(|one| KeptSubmission {
                header: &one.header.value,
                receipt,
            })
            .collect();
        let withdrawn: Vec<WithdrawnSubmission<'_>> = withdrawn
            .iter()
            .zip(erasures)
            .map(|(one, erasures)| WithdrawnSubmission {
                header: &one.header.value,
                erasures,
            })
            .collect();
        let own = ContributorView {
            cluster: &self.members.cluster,
            terms: self.job.terms(),
            kept: &kept,
            withdrawn: &withdrawn,
        };
        check(&own, certified)
    }

    /// What these nodes sign when they erase a submission.
    fn erased(&self, submission: usize, nodes: &[usize]) -> Vec<ErasureReceipt> {
        let erasure = || Erasure::of(&self.submissions[submission].header.value);
        let sign = |node: &usize| Signed::new(erasure(), Purpose::Erasure, &self.members.identities[*node]);
        nodes.iter().map(sign).collect()
    }
}

/// Asserts that the forgery is found, and that it passes without this one check.
fn found_by_one_check(scene: &Scene, forged: &CertifiedReceipts, check: Check) -> ReceiptError {
    let passes = check.without(|| scene.check(forged));
    assert!(passes.is_ok(), "without {check:?}: {passes:?}");
    scene.check(forged).unwrap_err()
}

#[test]
fn what_is_certified_is_told() {
    let scene = Scene::new();
    let certified = scene.check(&scene.honest()).unwrap();
    assert_eq!((certified.contributors, certified.elsewhere), (3, 0));
    assert_eq!(certified.signers, ["node-0", "node-1", "node-2"]);
    let counted: Vec<u32> = certified.submissions.iter().flatten().map(|one| one.counted).collect();
    assert_eq!(counted, [2, 1, 0]);
    assert_eq!(
        left_out(certified.submissions.iter().flatten()),
        [(RejectReason::Unsealable, 1), (RejectReason::DuplicateAnswer, 1)].into()
    );
    let (record, pay) = (certified.contributor.unwrap(), certified.pay.unwrap());
    assert_eq!(record.facts.answers, 3);
    assert_eq!((pay.base, Some(pay.total)), (60_000, record.pay));
    assert!(pay.bonus > 0, "{pay:?}");
}

/// Works out the pay of a record again, so that it contradicts nothing.
fn pay_anew(scene: &Scene, one: &mut ContributorRecord) {
    let pay = pay_of(scene.job.terms(), &one.facts, |output| one.score(output)).unwrap();
    one.pay = pay.map(|pay| pay.total);
}

#[test]
fn a_coordinator_that_alters_a_record_needs_another_path() {
    let scene = Scene::new();
    let mut forged = scene.honest();
    for proof in &mut forged.records {
        if let Record::Contributor(one) = &mut proof.record {
            one.facts.paired -= 1;
            pay_anew(&scene, one);
        }
    }
    assert_eq!(found_by_one_check(&scene, &forged, Check::Paths), ReceiptError::Leaf);
    // The pay alone would also be found by working it out again.
    let mut forged = scene.honest();
    for proof in &mut forged.records {
        if let Record::Contributor(one) = &mut proof.record {
            one.pay = one.pay.map(|pay| pay + 1);
        }
    }
    assert_eq!(scene.check(&forged), Err(ReceiptError::Leaf));
}

#[test]
fn a_coordinator_that_signs_another_tree_needs_the_nodes() {
    let scene = Scene::new();
    let mut forged = scene.altered(|one| {
        one.facts.paired -= 1;
        pay_anew(&scene, one);
    });
    let node = 1;
    forged.root.signatures[node].signature = forged.root.signatures[0].signature;
    assert_eq!(
        found_by_one_check(&scene, &forged, Check::Signatures),
        ReceiptError::Root(RootError::Signature("node-1".to_owned()))
    );
}

#[test]
fn another_job_under_the_same_id_is_told() {
    let scene = Scene::new();
    let mut forged = scene.honest();
    forged.root.statement.job = Digest::of("other terms", &[]);
    forged.root = scene.signed(forged.root.statement.clone());
    assert!(matches!(
        found_by_one_check(&scene, &forged, Check::Terms),
        ReceiptError::OtherTerms { .. }
    ));
}

#[test]
fn nobody_is_shown_the_record_of_somebody_else() {
    let scene = Scene::new();
    // Beside the contributor's own, which come first.
    let mut forged = scene.certified(scene.records.clone(), |_| true);
    forged.records.sort_by_key(|proof| !scene.is_own(&proof.record));
    assert!(matches!(
        found_by_one_check(&scene, &forged, Check::Owner),
        ReceiptError::NotYours(_)
    ));
    // Under the contributor's name it is still another key.
    let mut renamed = scene.records.clone();
    let name = scene.submissions[0].header.value.statement.contributor.clone();
    for record in &mut renamed {
        if let Record::Contributor(one) = record
            && one.facts.contributor != name
        {
            one.facts.contributor = name;
            break;
        }
    }
    let forged = scene.certified(renamed, |record| !scene.is_own(record) && matches!(record, Record::Contributor(_)));
    assert!(Check::Owner.without(|| scene.check_kept(&forged, None)).is_ok());
    assert!(matches!(scene.check_kept(&forged, None), Err(ReceiptError::NotYours(_))));
}

#[test]
fn a_submission_that_was_left_out_is_told_with_its_receipt() {
    let scene = Scene::new();
    let records = |keep: &dyn Fn(&Record) -> bool| scene.records.iter().filter(|record| keep(record)).cloned().collect::<Vec<_>>();
    // The refused one, which the coordinator does not show, or of which the nodes never heard.
    let hidden = scene.certified(scene.records.clone(), |record| {
        scene.is_own(record) && matches!(record, Record::Contributor(_))
    });
    let unheard = scene.certified(records(&|record| matches!(record, Record::Contributor(_))), |record| {
        scene.is_own(record)
    });
    for forged in [hidden, unheard] {
        let left_out = ReceiptError::LeftOut {
            submission: scene.submissions[2].header.value.statement.id.to_string(),
            receipt: "kept.json".to_owned(),
        };
        assert_eq!(found_by_one_check(&scene, &forged, Check::Complete), left_out);
        assert!(
            left_out
                .to_string()
                .contains("the coordinator left it out: keep this receipt (kept.json)")
        );
        // Without a receipt it may not have arrived.
        let certified = scene.check_kept(&forged, None).unwrap();
        assert_eq!(certified.submissions[2], None);
    }
}

#[test]
fn numbers_that_contradict_each_other_are_told() {
    let scene = Scene::new();
    for alter in [
        (|one: &mut ContributorRecord| one.facts.answers -= 1) as fn(&mut ContributorRecord),
        |one| one.facts.paired = one.facts.answers + 1,
        |one| one.submissions[0].counted -= 1,
        |one| one.submissions[1].answers += 1,
        |one| one.submissions[1].left_out.clear(),
    ] {
        let forged = scene.altered(|one| {
            alter(one);
            pay_anew(&scene, one);
        });
        assert!(matches!(found_by_one_check(&scene, &forged, Check::Sums), ReceiptError::Sum(_)));
    }
}

#[test]
fn nodes_that_certify_a_submission_after_they_have_erased_it_are_named() {
    let scene = Scene::new();
    let forged = scene.honest();
    let submission = scene.submissions[2].header.value.statement.id.to_string();
    for (erased_by, named) in [(&[1, 2][..], &["node-1", "node-2"][..]), (&[], &[])] {
        let erasures = [scene.erased(2, erased_by)];
        let nodes: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        let error = scene.check_withdrawn(&forged, Some("kept.json"), &erasures).unwrap_err();
        let submission = submission.clone();
        assert_eq!(error, ReceiptError::Withdrawn { submission, nodes });
        let passes = Check::Withdrawn.without(|| scene.check_withdrawn(&forged, Some("kept.json"), &erasures));
        assert_eq!(passes.unwrap().elsewhere, 1);
    }
    // What was signed about another submission proves nothing.
    let of_another = [scene.erased(1, &[0, 1, 2])];
    let error = scene.check_withdrawn(&forged, Some("kept.json"), &of_another).unwrap_err();
    assert_eq!(
        error,
        ReceiptError::Withdrawn {
            submission,
            nodes: Vec::new()
        }
    );
    // If everything is withdrawn, the records are still the contributor's own, and are refused for the same reason.
    let all = [0, 1, 2].map(|at| scene.erased(at, &[0]));
    let error = scene.check_withdrawn(&forged, Some("kept.json"), &all).unwrap_err();
    assert!(matches!(error, ReceiptError::Withdrawn { .. }), "{error}");
    // Where none of them has a record, all is well.
    let nothing = scene.certified(scene.records.clone(), |_| false);
    assert_eq!(scene.check_withdrawn(&nothing, None, &all).unwrap().submissions, []);
}

#[test]
fn pay_that_does_not_follow_from_the_terms_is_told_though_all_nodes_certify_it() {
    let scene = Scene::new();
    for alter in [
        (|one: &mut ContributorRecord| one.pay = one.pay.map(|pay| pay - 1)) as fn(&mut ContributorRecord),
        |one| one.pay = None,
        |one| one.scores[0].value = Fp61::reduce(0),
    ] {
        let forged = scene.altered(alter);
        assert!(matches!(found_by_one_check(&scene, &forged, Check::Pay), ReceiptError::Pay { .. }));
    }
    let forged = scene.altered(|one| one.scores.clear());
    assert!(matches!(scene.check(&forged), Err(ReceiptError::Scores(_))));
}

/// What a coordinator says of the submission at this index of the first contributor, with these nodes as refusing it.
fn said_of(record: &SubmissionRecord, refused_by: &[&str]) -> Outcome {
    let items = |one: &LeftOut| (one.reason, vec!["an item".to_owned(); one.answers as usize]);
    Outcome {
        accepted: u64::from(record.counted),
        rejected: record.left_out.iter().map(items).collect(),
        refused_by: refused_by.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// The error about what a coordinator says of a submission, which passes without this one check.
fn outcome_found_by(scene: &Scene, at: usize, record: &SubmissionRecord, said: &Outcome, check: Check) -> ReceiptError {
    let of = || check_outcome(&scene.members.cluster, &scene.submissions[at].header.value, record, said);
    let passes = check.without(of);
    assert!(passes.is_ok(), "without {check:?}: {passes:?}");
    of().unwrap_err()
}

#[test]
fn a_coordinator_that_accuses_other_nodes_or_hides_those_that_refused_is_told() {
    let scene = Scene::new();
    let certified = scene.check(&scene.honest()).unwrap();
    let record = |at: usize| certified.submissions[at].clone().unwrap();
    let refusing = ["node-1", "node-2"];
    assert_eq!(
        refused_by(&scene.members.cluster, certified.submissions.iter().flatten()),
        refusing.map(str::to_owned).into()
    );
    for (at, honest) in [(0, &[][..]), (1, &[]), (2, &refusing)] {
        let header = &scene.submissions[at].header.value;
        let passes = check_outcome(&scene.members.cluster, header, &record(at), &said_of(&record(at), honest));
        assert_eq!(passes, Ok(()));
    }
    let (accused, everyone) = (["node-0"], ["node-0", "node-1", "node-2"]);
    for (at, names) in [
        (0, &accused[..]),
        (1, &refusing),
        (2, &accused),
        (2, &everyone),
        (2, &refusing[..1]),
        (2, &[]),
    ] {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let error = outcome_found_by(&scene, at, &record(at), &said_of(&record(at), names), Check::Refusers);
        let due = ReceiptError::Refusers {
            submission: scene.submissions[at].header.value.statement.id.to_string(),
            said: owned(names),
            certified: owned(if at == 2 { &refusing } else { &[] }),
        };
        assert_eq!(error, due);
    }
    let hidden = outcome_found_by(&scene, 2, &record(2), &said_of(&record(2), &[]), Check::Refusers).to_string();
    assert!(
        hidden.contains("refused by no node, but by what all nodes have signed it was refused by node-1, node-2"),
        "{hidden}"
    );
}

#[test]
fn a_coordinator_that_says_other_reasons_or_numbers_than_are_certified_is_told() {
    let scene = Scene::new();
    let certified = scene.check(&scene.honest()).unwrap();
    let record = certified.submissions[1].clone().unwrap();
    for alter in [
        (|said: &mut Outcome| {
            let items = said.rejected.remove(&RejectReason::DuplicateAnswer).unwrap();
            said.rejected.insert(RejectReason::ItemFull, items);
        }) as fn(&mut Outcome),
        |said| {
            said.accepted += 1;
            said.rejected.clear();
        },
        |said| said.accepted -= 1,
    ] {
        let mut said = said_of(&record, &[]);
        alter(&mut said);
        let error = outcome_found_by(&scene, 1, &record, &said, Check::Reasons);
        assert!(matches!(error, ReceiptError::Sum(_)), "{error}");
    }
}
