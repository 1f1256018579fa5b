//! Specs that are refused, and what the digest covers.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::credential::Issuers;
use crate::fixtures::{buyer_key, cluster_with_keys, issuers, job_of};
use crate::identity::{IdentityError, PublicKey, SecretKey};
use crate::question::{Categorical, Question, Release};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::AccessStructure;

fn spec() -> JobSpec {
    JobSpec::from_json(
        br#"{ "name": "signs", "question": { "kind": "categorical", "classes": ["stop", "yield"] }, "items": [{ "id": "a" }, { "id": "b" }],
              "answers_per_item": 5, "sensitive": false, "release": ["agreement", "payouts"],
              "payout": { "currency": "EUR", "base_per_item": 20000, "bonus_per_item": 10000, "budget": 300000 } }"#,
    )
    .unwrap()
}

fn refused(alter: impl FnOnce(&mut JobSpec)) -> String {
    let mut spec = spec();
    alter(&mut spec);
    job_of("job", spec).unwrap_err().to_string()
}

/// Asks for these classes.
fn ask<C: Into<String>>(spec: &mut JobSpec, classes: impl IntoIterator<Item = C>) {
    spec.question = Categorical::new(classes).into();
}

/// Asks for the classes of [`spec`] with this text.
fn ask_with_text(spec: &mut JobSpec, text: &str) {
    spec.question = Question::from(Categorical {
        text: Some(text.to_owned()),
        ..Categorical::new(["stop", "yield"])
    });
}

fn image(url: &str) -> Image {
    Image {
        url: url.to_owned(),
        sha256: Sha256::from_bytes([7; 32]),
        alt: None,
    }
}

/// Pays by gold answers that the key of this seed signs.
fn pay_by_gold(spec: &mut JobSpec, seed: u8) {
    let key = SecretKey::from_bytes(&[seed; 32]).public();
    spec.gold = Some(Gold { key });
    spec.payout.as_mut().unwrap().rule = PayRule::Gold;
}

#[test]
fn defaults_are_the_safe_ones() {
    let json = serde_json::to_string(&spec()).unwrap();
    assert!(
        JobSpec::from_json(json.replace("\"sensitive\":false,", "").as_bytes())
            .unwrap()
            .sensitive
    );
    let job = job_of("job", spec()).unwrap();
    assert_eq!(job.terms().payout().unwrap().rule, PayRule::PeerAgreementBeyondChance);
}

/// The first of the issuers alone.
fn one_issuer() -> Issuers {
    let mut one = issuers(1);
    one.keys.truncate(1);
    one
}

#[test]
fn a_sensitive_job_names_issuers_that_can_be_used() {
    let sensitive = |alter: fn(&mut JobSpec)| {
        refused(|s| {
            s.sensitive = true;
            alter(s);
        })
    };
    assert!(sensitive(|_| {}).contains("`issuers` are missing"));
    let with = |alter: fn(&mut Issuers)| {
        refused(|s| {
            s.issuers = Some(issuers(2));
            alter(s.issuers.as_mut().unwrap());
        })
    };
    assert!(with(|i| i.pool.clear()).contains("`issuers.pool`"));
    assert!(with(|i| i.keys.reverse()).contains("`issuers.keys`"));
    assert!(with(|i| i.need = 4).contains("`issuers.need`"));
    let vague = refused(|s| s.closes_at = Some("2026-12-01T01:00:00+01:00".to_owned()));
    assert!(vague.contains("`closes_at`"), "{vague}");
    let json = serde_json::to_string(&one_issuer()).unwrap().replace(",\"need\":1", "");
    assert_eq!(serde_json::from_str::<Issuers>(&json).unwrap().need, 1);
}

#[test]
fn errors_name_the_field() {
    assert!(refused(|s| s.name.clear()).contains("`name`"));
    assert!(refused(|s| ask::<String>(s, [])).contains("`question.classes`"));
    assert!(refused(|s| ask(s, ["stop", "yield", "stop"])).contains("`stop` twice"));
    assert!(refused(|s| s.items.clear()).contains("`items`"));
    assert!(refused(|s| s.items[1].id = "a".to_owned()).contains("`a` twice"));
    assert!(refused(|s| s.items[1].id = "a\n".to_owned()).contains("`items[1].id`"));
    assert!(refused(|s| s.answers_per_item = 0).contains("`answers_per_item`"));
    assert!(refused(|s| s.release.clear()).contains("`release`"));
    assert!(refused(|s| s.payout = None).contains("`payout`"));
    let pay = |alter: fn(&mut Payout)| refused(|s| alter(s.payout.as_mut().unwrap()));
    assert!(pay(|p| p.budget = 299_999).contains("300000 micro-units"));
    assert!(pay(|p| p.bonus_per_item = 20_001).contains("`payout.bonus_per_item`"));
    assert!(pay(|p| p.base_per_item = u64::MAX).contains("`payout.base_per_item`"));
    assert!(pay(|p| p.currency = "=1".to_owned()).contains("`payout.currency`"));
}

#[test]
fn jobs_that_no_node_could_hold_are_refused() {
    let many = |s: &mut JobSpec, items: usize, classes: usize| {
        s.items = (0..items).map(|i| Item::new(i.to_string())).collect();
        ask(s, (0..classes).map(|k| k.to_string()));
        s.payout = None;
        s.release = BTreeSet::from([Release::Agreement]);
    };
    assert!(refused(|s| many(s, 20_000, 1_000)).contains("split the items"));
    assert!(
        refused(|s| {
            many(s, 16_000, 1_000);
            s.answers_per_item = 9;
        })
        .contains("split the items")
    );
}

#[test]
fn unknown_fields_and_outputs_are_refused() {
    assert!(
        JobSpec::from_json(br#"{ "name": "x", "qourum": 3 }"#)
            .unwrap_err()
            .to_string()
            .contains("qourum")
    );
    let json = serde_json::to_string(&spec()).unwrap();
    assert!(JobSpec::from_json(json.replace("\"agreement\"", "\"tallies\"").as_bytes()).is_err());
    assert_eq!(JobSpec::from_json(json.as_bytes()).unwrap(), spec());
}

#[test]
fn every_field_is_in_the_digest() {
    let digest = |alter: fn(&mut JobSpec)| {
        let mut spec = spec();
        alter(&mut spec);
        job_of("job", spec).unwrap().digest()
    };
    let same = digest(|_| {});
    let changes: [fn(&mut JobSpec); 22] = [
        |s| s.name.push('x'),
        |s| ask_with_text(s, "Which sign is it?"),
        |s| ask(s, ["yield", "stop"]),
        |s| s.items.reverse(),
        |s| s.items[0].text = Some("t".to_owned()),
        |s| s.items[0].image = Some(Box::new(image("https://example.org/1.png"))),
        |s| s.items[0].image = Some(Box::new(image("https://example.org/2.png"))),
        |s| s.items[1].image = Some(Box::new(image("https://example.org/1.png"))),
        |s| s.items[0].id.push('x'),
        |s| s.answers_per_item = 4,
        |s| s.closes_at = Some("2030-01-01T00:00:00Z".to_owned()),
        |s| {
            s.sensitive = true;
            s.issuers = Some(issuers(1));
        },
        |s| s.issuers = Some(issuers(1)),
        |s| s.issuers = Some(issuers(2)),
        |s| s.issuers = Some(one_issuer()),
        |s| {
            s.issuers = Some(issuers(1));
            s.issuers.as_mut().unwrap().pool.push('x');
        },
        |s| s.public = true,
        |s| s.release = BTreeSet::from([Release::ClassTotals]),
        |s| s.payout.as_mut().unwrap().budget += 1,
        |s| s.payout.as_mut().unwrap().currency = "USD".to_owned(),
        |s| pay_by_gold(s, 5),
        |s| pay_by_gold(s, 6),
    ];
    let digests: BTreeSet<Digest> = changes.into_iter().map(digest).chain([same]).collect();
    assert_eq!(digests.len(), changes.len() + 1);
    assert_ne!(job_of("other", spec()).unwrap().digest(), same);
}

#[test]
fn a_job_opens_with_the_buyers_signature_alone() {
    let cluster = cluster_with_keys(3, 1).cluster.digest();
    let id = || "job".parse().unwrap();
    let job = Job::sign(&cluster, id(), spec(), &buyer_key()).unwrap();
    let signed = job.to_signed_spec();
    assert_eq!(signed.spec, spec());
    let json = serde_json::to_vec(&signed).unwrap();
    assert_eq!(SignedSpec::from_json(&json).unwrap(), signed);
    assert_eq!(Job::open(&cluster, id(), signed.clone()).unwrap(), job);

    let refused = |cluster: Digest, id: JobId, alter: fn(&mut SignedSpec)| {
        let mut signed = signed.clone();
        alter(&mut signed);
        Job::open(&cluster, id, signed).unwrap_err()
    };
    let altered = JobError::Signature(IdentityError::Signature);
    assert_eq!(refused(cluster, id(), |s| s.spec.answers_per_item = 4), altered);
    assert_eq!(refused(cluster, id(), |s| s.spec.items.reverse()), altered);
    assert_eq!(
        refused(cluster, id(), |s| s.buyer = SecretKey::from_bytes(&[1; 32]).public()),
        altered
    );
    assert_eq!(refused(cluster, "other".parse().unwrap(), |_| ()), altered);
    assert_eq!(refused(Digest::of("another cluster", &[]), id(), |_| ()), altered);
    let nobody = refused(cluster, id(), |s| s.buyer = PublicKey::from_bytes([0; 32]));
    assert_eq!(nobody, JobError::Signature(IdentityError::Key));
}

fn key() -> PublicKey {
    SecretKey::from_bytes(&[5; 32]).public()
}

#[test]
fn gold_has_a_key_and_a_use() {
    let by_gold = |s: &mut JobSpec| s.payout.as_mut().unwrap().rule = PayRule::Gold;
    assert!(refused(by_gold).contains("`payout.rule` is gold, but the job has no `gold`"));
    assert!(refused(|s| s.gold = Some(Gold { key: key() })).contains("`gold` is of no use"));
    let with_key = |key: PublicKey| {
        let mut spec = spec();
        by_gold(&mut spec);
        spec.gold = Some(Gold { key });
        spec.sensitive = false;
        job_of("job", spec)
    };
    assert!(with_key(key()).unwrap().terms().scores_gold());
    let weak = with_key(PublicKey::from_bytes([0; 32])).unwrap_err().to_string();
    assert!(weak.contains("`gold.key`"), "{weak}");
    let one_class = refused(|s| {
        by_gold(s);
        s.gold = Some(Gold { key: key() });
        ask(s, ["stop"]);
    });
    assert!(one_class.contains("one class"), "{one_class}");
}

#[test]
fn weighted_votes_fit_where_nodes_can_compare_them() {
    let fits = |nodes, threshold, answers, weight: u32| {
        let mut terms = job_of("job", spec()).unwrap().terms().clone();
        terms.release.insert(Release::Labels);
        terms.label_rule = LabelRule::Weighted;
        terms.weights = BTreeMap::from([(key(), weight)]);
        terms.answers_per_item = answers;
        let access = AccessStructure::new(nodes, threshold).unwrap();
        terms.fits(&access).map_err(|e| e.to_string())
    };
    for (nodes, threshold) in [(3, 1), (4, 1), (5, 2), (6, 2)] {
        fits(nodes, threshold, MAX_ANSWERS_PER_ITEM, 50).unwrap();
    }
    fits(7, 3, 327, 50).unwrap();
    assert_eq!(
        fits(7, 3, 328, 50).unwrap_err(),
        "field `weights` reach 100 hundredths, too many for 328 answers to an item: 7 nodes of which 3 may collude compare up to 32767 \
         hundredths; ask for at most 327 answers"
    );
    let heavy = fits(3, 1, 1000, 525).unwrap_err();
    assert!(
        heavy.ends_with("at most 998 answers, or make the greatest weights smaller"),
        "{heavy}"
    );
}

#[test]
fn a_job_is_smaller_where_nodes_hold_more_components() {
    let fits = |nodes, threshold, items: u64| {
        let mut terms = job_of("job", spec()).unwrap().terms().clone();
        terms.items = items;
        let access = AccessStructure::new(nodes, threshold).unwrap();
        terms.fits(&access).map_err(|e| e.to_string())
    };
    // Two classes, five answers to an item; a node holds 2, 6 and 20 components.
    for (nodes, threshold, most) in [(3, 1, 25_165_824), (5, 2, 8_388_608), (7, 3, 2_516_582)] {
        fits(nodes, threshold, most).unwrap();
        let refused = fits(nodes, threshold, most + 1).unwrap_err();
        assert!(refused.contains("split the items over several jobs"), "{refused}");
    }
}

fn ids(ids: &[&str]) -> ItemIds {
    ids.iter().collect()
}

#[test]
fn an_id_that_stands_twice_is_found_in_any_order() {
    let twice = |all: &[&str]| names::ids("items", all.iter().copied()).map_err(|error| error.to_string());
    for fine in [["9", "10", "11"], ["09", "10", "11"], ["b", "a", "11"], ["11", "10", "9"]] {
        twice(&fine).unwrap();
    }
    for bad in [["9", "9", "10"], ["10", "9", "9"], ["9", "10", "9"]] {
        assert_eq!(twice(&bad).unwrap_err(), "field `items` lists `9` twice");
    }
}

#[test]
fn options_of_labels_are_within_bounds() {
    let check = |alter: &dyn Fn(&mut Terms)| {
        let mut terms = job_of("job", spec()).unwrap().terms().clone();
        terms.release.insert(Release::Labels);
        terms.item_ids = ids(&["a", "b"]);
        terms.sensitive = false;
        alter(&mut terms);
        terms.check().map(|()| terms.digest()).map_err(|e| e.to_string())
    };
    let weigh = |terms: &mut Terms, weight: u32| {
        terms.label_rule = LabelRule::Weighted;
        terms.weights = BTreeMap::from([(key(), weight)]);
    };
    let same = check(&|_| {}).unwrap();
    for fine in [
        check(&|t| t.quorum = Some(5)),
        check(&|t| weigh(t, 0)),
        check(&|t| weigh(t, 250)),
        check(&|t| t.item_ids = ids(&["b", "a"])),
    ] {
        assert_ne!(fine.unwrap(), same, "every option is in the digest");
    }
    let says = |alter: &dyn Fn(&mut Terms), field: &str, what: &str| {
        let message = check(alter).unwrap_err();
        assert!(message.contains(&format!("`{field}`")) && message.contains(what), "{message}");
    };
    says(&|t| t.quorum = Some(0), "quorum", "between 1 and");
    says(&|t| t.quorum = Some(6), "quorum", "between 1 and");
    says(&|t| t.label_rule = LabelRule::Weighted, "weights", "missing");
    says(&|t| t.weights = BTreeMap::from([(key(), 1)]), "weights", "weighted only");
    says(
        &|t| {
            weigh(t, 1);
            t.weights.insert(PublicKey::from_bytes([0; 32]), 1);
        },
        "weights",
        "cannot be used",
    );
    says(&|t| t.item_ids = ids(&["a"]), "item_ids", "must be 2");
    says(&|t| t.item_ids = ids(&["a", "a"]), "item_ids", "twice");
    says(&|t| t.item_ids = ids(&["a", "\n"]), "item_ids", "control characters");
    says(&|t| t.release.retain(|output| *output != Release::Labels), "item_ids", "must be 0");
    let unused = |t: &mut Terms| {
        t.release.remove(&Release::Labels);
        t.item_ids = ids(&[]);
        t.quorum = Some(2);
    };
    says(&unused, "quorum", "of no use");
}

#[test]
fn terms_name_the_hosts_of_images() {
    let with_hosts = |hosts: usize| {
        let mut spec = spec();
        spec.items = (0..hosts)
            .map(|host| Item {
                image: Some(Box::new(image(&format!("https://img-{host}.example.org/1.png")))),
                ..Item::new(host.to_string())
            })
            .collect();
        spec.payout.as_mut().unwrap().budget = 100_000_000;
        job_of("job", spec)
    };
    let job = with_hosts(2).unwrap();
    let hosts = ["img-0.example.org", "img-1.example.org"].map(str::to_owned);
    assert_eq!(job.terms().image_hosts, BTreeSet::from(hosts));
    let json = serde_json::to_string(job.terms()).unwrap();
    assert_eq!(serde_json::from_str::<Terms>(&json).unwrap(), *job.terms());
    let error = with_hosts(17).unwrap_err().to_string();
    assert!(error.contains("`items` have images on 17 hosts"), "{error}");
    let mut terms = job.terms().clone();
    terms.image_hosts.insert("example.org; script-src *".to_owned());
    assert!(terms.check().unwrap_err().to_string().contains("which is no host"));
}

/// The digest of a job is over these bytes.
#[test]
fn the_json_of_terms_and_specs_stays_the_same() {
    let plain = job_of("job", spec()).unwrap();
    assert_eq!(
        serde_json::to_string(&plain.terms()).unwrap(),
        r#"{"id":"job","buyer":"0b513ad9b4924015ca0902ed079044d3ac5dbec2306f06948c10da8eb6e39f2d","name":"signs","question":{"kind":"categorical","classes":["stop","yield"]},"items":2,"items_digest":"9b85760e5be0c25623cfde669f885b896d4e21fe87a348f87f6614117c54bb44","answers_per_item":5,"sensitive":false,"release":["agreement","payouts"],"payout":{"rule":"peer_agreement_beyond_chance","currency":"EUR","base_per_item":20000,"bonus_per_item":10000,"budget":300000}}"#
    );
    let mut full = spec();
    ask_with_text(&mut full, "Which sign?");
    full.items[0].text = Some("https://a".to_owned());
    full.closes_at = Some("2026-12-01T00:00:00Z".to_owned());
    full.sensitive = false;
    full.release.extend([Release::Labels, Release::ClassTotals, Release::Scores]);
    full.quorum = Some(2);
    full.label_rule = LabelRule::Weighted;
    full.weights = BTreeMap::from([(key(), 150), (buyer_key().public(), 50)]);
    full.gold = Some(Gold { key: key() });
    full.payout.as_mut().unwrap().rule = PayRule::Gold;
    assert_eq!(
        serde_json::to_string(&full).unwrap(),
        r#"{"name":"signs","question":{"kind":"categorical","classes":["stop","yield"],"text":"Which sign?"},"items":[{"id":"a","text":"https://a"},{"id":"b"}],"answers_per_item":5,"closes_at":"2026-12-01T00:00:00Z","sensitive":false,"release":["labels","agreement","class_totals","scores","payouts"],"quorum":2,"label_rule":"weighted","weights":{"0b513ad9b4924015ca0902ed079044d3ac5dbec2306f06948c10da8eb6e39f2d":50,"6e7a1cdd29b0b78fd13af4c5598feff4ef2a97166e3ca6f2e4fbfccd80505bf1":150},"gold":{"key":"6e7a1cdd29b0b78fd13af4c5598feff4ef2a97166e3ca6f2e4fbfccd80505bf1"},"payout":{"rule":"gold","currency":"EUR","base_per_item":20000,"bonus_per_item":10000,"budget":300000}}"#
    );
    let full = job_of("job", full).unwrap();
    assert_eq!(
        serde_json::to_string(&full.terms()).unwrap(),
        r#"{"id":"job","buyer":"0b513ad9b4924015ca0902ed079044d3ac5dbec2306f06948c10da8eb6e39f2d","name":"signs","question":{"kind":"categorical","classes":["stop","yield"],"text":"Which sign?"},"items":2,"items_digest":"e929b73888d19fab0fccdc471a088d10c1ea7803c6b378b7a0d4c48ccf07ad9a","item_ids":["a","b"],"answers_per_item":5,"closes_at":"2026-12-01T00:00:00Z","sensitive":false,"release":["labels","agreement","class_totals","scores","payouts"],"quorum":2,"label_rule":"weighted","weights":{"0b513ad9b4924015ca0902ed079044d3ac5dbec2306f06948c10da8eb6e39f2d":50,"6e7a1cdd29b0b78fd13af4c5598feff4ef2a97166e3ca6f2e4fbfccd80505bf1":150},"gold":{"key":"6e7a1cdd29b0b78fd13af4c5598feff4ef2a97166e3ca6f2e4fbfccd80505bf1"},"payout":{"rule":"gold","currency":"EUR","base_per_item":20000,"bonus_per_item":10000,"budget":300000}}"#
    );
    for job in [plain, full] {
        let json = serde_json::to_string(job.terms()).unwrap();
        assert_eq!(serde_json::from_str::<Terms>(&json).unwrap(), *job.terms());
    }
}
