//! Every check against the forgery that it alone finds: switched off, the forgery passes.

use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::accepted::AcceptedSet;
use tacit_protocol::fixtures::{ClusterWithKeys, cluster_with_keys, job, submission, submission_list};
use tacit_protocol::job::{Job, PayRule};
use tacit_protocol::receipt::{CertifiedRoot, ReceiptRoot, RecordTree, RootStatement, SaltSeed};
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

    fn check(&self, certified: &CertifiedReceipts, checks: Checks) -> Result<Certified, ReceiptError> {
        self.check_kept(certified, checks, Some("kept.json"))
    }

    /// The same if the receipts are kept here, or if there are none.
    fn check_kept(&self, certified: &CertifiedReceipts, checks: Checks, receipt: Option<&str>) -> Result<Certified, ReceiptError> {
        let kept: Vec<Kept<'_>> = self.submissions[..3]
            .iter()
            .map(|one| Kept {
                header: &one.header.value,
                receipt,
            })
            .collect();
        let own = Own {
            cluster: &self.members.cluster,
            terms: self.job.terms(),
            kept: &kept,
        };
        check_with(&own, certified, checks)
    }
}

/// Asserts that the forgery is found, and that it passes without this one check.
fn found_by_one_check(scene: &Scene, forged: &CertifiedReceipts, without: Checks) -> ReceiptError {
    assert!(scene.check(forged, without).is_ok(), "{:?}", scene.check(forged, without));
    scene.check(forged, Checks::ALL).unwrap_err()
}

#[test]
fn what_is_certified_is_told() {
    let scene = Scene::new();
    let certified = scene.check(&scene.honest(), Checks::ALL).unwrap();
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

#[test]
fn a_coordinator_that_alters_the_pay_or_the_name_needs_another_path() {
    let scene = Scene::new();
    let without = Checks {
        paths: false,
        pay: false,
        ..Checks::ALL
    };
    for alter in [
        (|one: &mut ContributorRecord| one.pay = one.pay.map(|pay| pay + 1)) as fn(&mut ContributorRecord),
        |one| one.facts.paired -= 1,
        |one| one.scores.clear(),
    ] {
        let mut forged = scene.honest();
        for proof in &mut forged.records {
            if let Record::Contributor(one) = &mut proof.record {
                alter(one);
            }
        }
        // The pay is worked out again, so what is altered with it, too, is found in two ways; a path is found first.
        assert_eq!(scene.check(&forged, Checks::ALL), Err(ReceiptError::Leaf));
        let passes = scene.check(&forged, without);
        assert!(passes.is_ok() || matches!(passes, Err(ReceiptError::Scores(_))), "{passes:?}");
    }
}

#[test]
fn a_coordinator_that_signs_another_tree_needs_the_nodes() {
    let scene = Scene::new();
    let mut forged = scene.altered(|one| {
        one.facts.paired -= 1;
        let pay = pay_of(scene.job.terms(), &one.facts, |output| one.score(output)).unwrap();
        one.pay = pay.map(|pay| pay.total);
    });
    let node = 1;
    forged.root.signatures[node].signature = forged.root.signatures[0].signature;
    let without = Checks {
        signatures: false,
        ..Checks::ALL
    };
    assert_eq!(
        found_by_one_check(&scene, &forged, without),
        ReceiptError::Root(RootError::Signature("node-1".to_owned()))
    );
}

#[test]
fn another_job_under_the_same_id_is_told() {
    let scene = Scene::new();
    let mut forged = scene.honest();
    forged.root.statement.job = Digest::of("other terms", &[]);
    forged.root = scene.signed(forged.root.statement.clone());
    let without = Checks {
        terms: false,
        ..Checks::ALL
    };
    assert!(matches!(
        found_by_one_check(&scene, &forged, without),
        ReceiptError::OtherTerms { .. }
    ));
}

#[test]
fn nobody_is_shown_the_record_of_somebody_else() {
    let scene = Scene::new();
    let others = |record: &Record| !scene.is_own(record);
    let forged = scene.certified(scene.records.clone(), others);
    let without = Checks {
        owner: false,
        complete: false,
        ..Checks::ALL
    };
    assert!(scene.check(&forged, without).is_ok());
    assert!(matches!(scene.check(&forged, Checks::ALL), Err(ReceiptError::NotYours(_))));
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
    assert!(matches!(scene.check(&forged, Checks::ALL), Err(ReceiptError::NotYours(_))));
}

#[test]
fn a_submission_that_was_left_out_is_told_with_its_receipt() {
    let scene = Scene::new();
    let records = |keep: &dyn Fn(&Record) -> bool| scene.records.iter().filter(|record| keep(record)).cloned().collect::<Vec<_>>();
    let without = Checks {
        complete: false,
        sums: false,
        ..Checks::ALL
    };
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
        assert_eq!(found_by_one_check(&scene, &forged, without), left_out);
        assert!(
            left_out
                .to_string()
                .contains("the coordinator left it out: keep this receipt (kept.json)")
        );
        // Without a receipt it may not have arrived.
        let certified = scene.check_kept(&forged, Checks::ALL, None).unwrap();
        assert_eq!(certified.submissions[2], None);
    }
}

#[test]
fn numbers_that_contradict_each_other_are_told() {
    let scene = Scene::new();
    let without = Checks {
        sums: false,
        pay: false,
        ..Checks::ALL
    };
    for alter in [
        (|one: &mut ContributorRecord| one.facts.answers -= 1) as fn(&mut ContributorRecord),
        |one| one.facts.paired = one.facts.answers + 1,
        |one| one.submissions[0].counted -= 1,
        |one| one.submissions[1].answers += 1,
        |one| one.submissions[1].left_out.clear(),
    ] {
        let forged = scene.altered(alter);
        assert!(scene.check(&forged, without).is_ok());
        assert!(matches!(scene.check(&forged, Checks::ALL), Err(ReceiptError::Sum(_))));
    }
}

#[test]
fn pay_that_does_not_follow_from_the_terms_is_told_though_all_nodes_certify_it() {
    let scene = Scene::new();
    let without = Checks { pay: false, ..Checks::ALL };
    for alter in [
        (|one: &mut ContributorRecord| one.pay = one.pay.map(|pay| pay - 1)) as fn(&mut ContributorRecord),
        |one| one.pay = None,
        |one| one.scores[0].value = Fp61::reduce(0),
    ] {
        let forged = scene.altered(alter);
        assert!(matches!(found_by_one_check(&scene, &forged, without), ReceiptError::Pay { .. }));
    }
    let forged = scene.altered(|one| one.scores.clear());
    assert!(matches!(scene.check(&forged, Checks::ALL), Err(ReceiptError::Scores(_))));
}

#[test]
fn each_way_of_failing_has_its_exit_code() {
    let root = ReceiptError::Root(RootError::Signature(String::new()));
    let errors = [
        root,
        ReceiptError::Leaf,
        ReceiptError::LeftOut {
            submission: String::new(),
            receipt: String::new(),
        },
        ReceiptError::Sum(String::new()),
        ReceiptError::Pay { certified: 1, due: 2 },
    ];
    assert_eq!(errors.map(|error| error.exit_code()), [10, 11, 12, 13, 14]);
}
