//! A certificate with any numbers, signed by all nodes: its verification gives a report or an error.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::Bytes;
use tacit_fuzz::fixture::FIXTURE;
use tacit_fuzz::transcript::HONEST;
use tacit_mpc_core::field::Fp61;
use tacit_protocol::accepted::{ContributorFacts, PublicFacts, RefusedBy, Scale};
use tacit_protocol::fixtures::sign_by_all;
use tacit_protocol::job::{PayRule, Terms};
use tacit_protocol::question::Release;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release::{OutputName, OutputValues, ReleasedOutput};
use tacit_scoring::report::Report;

/// The rule after this one, in a circle of all rules: a new rule does not compile before it has its place here.
fn next(rule: PayRule) -> PayRule {
    match rule {
        PayRule::Flat => PayRule::PeerAgreement,
        PayRule::PeerAgreement => PayRule::PeerAgreementBeyondChance,
        PayRule::PeerAgreementBeyondChance => PayRule::Gold,
        PayRule::Gold => PayRule::Flat,
    }
}

/// A number of any size.
fn number(bytes: &mut Bytes<'_>) -> u64 {
    let size = usize::from(bytes.byte() % 9);
    let mut number = [0; 8];
    let read = bytes.slice(size);
    number[..read.len()].copy_from_slice(read);
    u64::from_le_bytes(number)
}

fn terms(bytes: &mut Bytes<'_>) -> Terms {
    let mut terms = FIXTURE.job.terms().clone();
    terms.items = number(bytes);
    terms.sensitive = bytes.byte() % 4 == 1;
    terms.answers_per_item = number(bytes) as u32;
    if let Some(payout) = &mut terms.payout {
        payout.rule = (0..bytes.byte() % 16).fold(PayRule::Flat, |rule, _| next(rule));
        payout.base_per_item = number(bytes);
        payout.bonus_per_item = number(bytes);
        payout.budget = number(bytes);
        if payout.rule == PayRule::Gold {
            terms.gold = FIXTURE.gold_job.terms().gold.clone();
        }
    }
    // There is one label for each item, and the job has two items.
    if bytes.byte() % 4 == 1 {
        terms.items = 2;
        terms.release.insert(Release::Labels);
        terms.item_ids = ["i0", "i1"].iter().collect();
    }
    terms
}

fn facts(bytes: &mut Bytes<'_>) -> PublicFacts {
    let (answers, each) = (number(bytes), usize::from(bytes.byte() % 4));
    let contributor = |(index, bytes): (usize, &mut Bytes<'_>)| ContributorFacts {
        contributor: format!("c{index}"),
        key: FIXTURE.contributor.key.public(),
        answers: number(bytes),
        paired: number(bytes),
        scale: Scale {
            value: number(bytes),
            exact: bytes.byte() % 2 == 0,
        },
    };
    let contributors = (0..each).map(|index| contributor((index, bytes))).collect();
    PublicFacts {
        answers,
        contributors,
        redundancy: (0..bytes.byte() % 4).map(|_| (number(bytes) as u32, number(bytes))).collect(),
        rejected: RejectReason::ALL
            .into_iter()
            .take(usize::from(bytes.byte() % 3))
            .map(|reason| (reason, number(bytes)))
            .collect(),
        too_few_answers: (0..bytes.byte() % 3).map(|_| number(bytes) as u32).collect(),
        refused: (0..bytes.byte() % 3)
            .map(|mask| RefusedBy {
                nodes: (0..usize::from(mask) + 1).collect(),
                submissions: number(bytes),
                answers: number(bytes),
            })
            .collect(),
    }
}

fuzz_target!(|data: &[u8]| {
    let bytes = &mut Bytes(data);
    let mut certificate = HONEST.certificate.clone();
    certificate.terms = terms(bytes);
    certificate.facts = facts(bytes);
    let output = |name: OutputName| {
        let len = name.len(&certificate.terms, &certificate.facts);
        let opened: Vec<Fp61> = (0..len).map(|_| Fp61::reduce(number(bytes))).collect();
        if name.is_opened() {
            let values = OutputValues::Opened(opened);
            return ReleasedOutput { name, values };
        }
        let mut components: BTreeMap<u8, Vec<Fp61>> = (1..FIXTURE.members.cluster.access().components())
            .map(|c| (c as u8, vec![Fp61::default(); len]))
            .collect();
        components.insert(0, opened);
        ReleasedOutput {
            name,
            values: OutputValues::Components(components),
        }
    };
    certificate.outputs = OutputName::of_job(&certificate.terms, &certificate.facts)
        .into_iter()
        .map(output)
        .collect();
    if let Ok(report) = Report::new(&sign_by_all(&FIXTURE.members, certificate.clone()), &FIXTURE.members.cluster) {
        assert!(!report.to_json().is_empty() && !report.payouts_csv().is_empty());
        let total: u64 = report
            .payouts
            .iter()
            .flat_map(|payouts| &payouts.items)
            .map(|item| item.amount)
            .sum();
        assert!(total <= certificate.terms.payout().map_or(0, |payout| payout.budget));
    }
});
