//! A buyer's commands.

use tacit_client::known_jobs::KnownJob;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::fixtures::{ClusterWithKeys, cluster_text, cluster_with_keys, issuers, job, submission};
use tacit_protocol::job::{Job, JobSpec, PayRule};
use tacit_protocol::versions::{PROTOCOL_VERSIONS, Versions};
use tacit_scoring::testing::run_to_certificate;

use crate::workplace::Workplace;

/// Publishes what two contributors have answered to a job.
fn publish(place: &Workplace, members: &ClusterWithKeys, job: &Job) {
    let submissions = [0, 1].map(|contributor| submission(members, job, contributor, &[(0, 1), (1, 0)]));
    let (certificate, report) = run_to_certificate(members, NodeSet::all(3), job, &submissions);
    place.coordinator.publish([
        ("result", report.to_json()),
        ("payouts", report.payouts_csv()),
        ("certificate", certificate.to_json()),
    ]);
}

#[test]
fn a_job_is_created_listed_and_followed() {
    let place = Workplace::new();
    assert!(place.fails("job create spec.toml --id j").contains("needs a buyer's token"));
    place.job();
    place.job();
    place.write_spec("other.toml", "other");
    let taken = place.fails("job create other.toml --id j --token-file token");
    assert!(taken.contains("another job was created here under the id j"), "{taken}");
    assert!(place.ok("job list --token-file token").contains("signs"));
    assert!(place.ok("job status j").contains("open"));
    assert!(place.fails("job status k").contains("no such job"));
    place.ok("job close j --yes --token-file token");
    let seen = place.ok("job watch j");
    assert!(
        seen.contains("j closing") && seen.trim_end().lines().last().unwrap().starts_with("j published"),
        "{seen}"
    );

    let kept: JobSpec = place.coordinator.spec("j").spec;
    assert_eq!(kept.items.len(), 1502);
    let id = place.ok("job create spec.toml --token-file token");
    assert_eq!(id.trim().len(), 36, "a UUID: {id}");
}

#[test]
fn a_coordinator_of_another_protocol_version_is_told_who_upgrades() {
    let place = Workplace::new();
    let (min, max) = (PROTOCOL_VERSIONS.min, PROTOCOL_VERSIONS.max);
    let without_file = format!("job list {}", place.without_cluster());
    for (theirs, who) in [
        (
            Versions {
                min: max + 1,
                max: max + 2,
            },
            "upgrade this program",
        ),
        (
            Versions {
                min: min - 1,
                max: min - 1,
            },
            "its operator has to upgrade it",
        ),
    ] {
        place.coordinator.speak(theirs);
        for command in ["job list", &without_file] {
            let error = place.fails(command);
            let both = format!("speaks protocol {theirs}, this program {PROTOCOL_VERSIONS}: {who}");
            assert!(error.contains(&both), "{error}");
        }
    }
    place.coordinator.speak(Versions { min, max: max + 1 });
    place.ok("job list --token-file token");
}

const CREATE: &str = "job create spec.toml --id j --token-file token";

#[test]
fn a_coordinator_that_says_no_does_not_make_the_client_forget_an_open_job() {
    let place = Workplace::new();
    place.job();
    let kept = place.path().join("state/jobs/j.json");
    let before = std::fs::read(&kept).unwrap();
    place.coordinator.refuse_jobs(Some((422, "invalid_job")));
    assert!(place.fails(CREATE).contains("422"));
    assert_eq!(std::fs::read(&kept).unwrap(), before);
    place.write_spec("other.toml", "other");
    let taken = place.fails(&CREATE.replace("spec", "other"));
    assert!(taken.contains("another job was created here under the id j"), "{taken}");
}

#[test]
fn the_id_of_a_job_that_was_refused_is_free_but_its_terms_are_not_forgotten() {
    let place = Workplace::new();
    place.coordinator.refuse_jobs(Some((422, "invalid_job")));
    assert!(place.fails(CREATE).contains("422"));
    let kept = || std::fs::read_to_string(place.path().join("state/jobs/j.json")).unwrap();
    let refused = |text: &str| serde_json::from_str::<KnownJob>(text).unwrap().refused;
    assert_eq!(refused(&kept()).len(), 1, "{}", kept());
    // It said no, and opens other terms of the same buyer under the id.
    place.coordinator.refuse_jobs(None);
    place.write_spec("other.toml", "other");
    place.ok(&CREATE.replace("spec", "other").replace(" j ", " k "));
    place.coordinator.offer_as("k", "j");
    let another = place.fails("job status j");
    assert!(
        another.contains("was refused; the job at the coordinator is another one"),
        "{another}"
    );
    assert!(!another.contains("tell the operators"), "nobody is accused: {another}");
    let place = Workplace::new();
    let kept = || std::fs::read_to_string(place.path().join("state/jobs/j.json")).unwrap();
    place.coordinator.refuse_jobs(Some((422, "invalid_job")));
    place.fails(CREATE);
    let first = refused(&kept());
    place.write_spec("other.toml", "other");
    place.write_spec("third.toml", "third");
    place.fails(&CREATE.replace("spec", "other"));
    place.coordinator.refuse_jobs(None);
    place.ok(&CREATE.replace("spec", "third"));
    assert!(place.ok("job status j").contains("open"));
    let refused = refused(&kept());
    assert!(
        refused.len() == 2 && refused.starts_with(&first),
        "no refused digest is overwritten: {refused:?}"
    );
}

#[test]
fn what_a_proxy_says_does_not_free_the_id_of_a_job() {
    let place = Workplace::new();
    place.coordinator.refuse_jobs(Some((504, "of_no_coordinator")));
    assert!(place.fails(CREATE).contains("504"));
    place.coordinator.refuse_jobs(None);
    place.write_spec("other.toml", "other");
    let taken = place.fails(&CREATE.replace("spec", "other"));
    assert!(taken.contains("another job was created here under the id j"), "{taken}");
    place.ok(CREATE);
}

#[test]
fn an_id_that_is_somebody_elses_is_not_kept() {
    let place = Workplace::new();
    place.job();
    std::fs::remove_dir_all(place.path().join("state")).unwrap();
    place.write_spec("other.toml", "other");
    let create_other = CREATE.replace("spec", "other");
    assert!(place.fails(&create_other).contains("409"));
    let files = ["state/jobs/j.json", "other.toml.j.job"].map(|name| place.path().join(name));
    assert!(files.iter().all(|file| !file.exists()), "{files:?}");
    assert!(place.ok("job status j").contains("open"), "nobody is accused");
    // What was refused before stays.
    place.coordinator.refuse_jobs(Some((422, "invalid_job")));
    assert!(place.fails(&create_other.replace(" j ", " k ")).contains("422"));
    place.coordinator.refuse_jobs(None);
    place.coordinator.offer_as("j", "k");
    let file = place.path().join("state/jobs/k.json");
    let before = std::fs::read(&file).unwrap();
    assert!(place.fails(&create_other.replace(" j ", " k ")).contains("409"));
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn a_result_under_an_id_whose_job_was_refused_is_of_some_job() {
    let place = Workplace::new();
    place.coordinator.refuse_jobs(Some((422, "invalid_job")));
    place.fails(&CREATE.replace(" j ", " test "));
    let (members, theirs) = (cluster_with_keys(3, 1), job(2, 2, 2, PayRule::Flat));
    place.coordinator.offer(theirs.clone(), theirs.to_signed_spec());
    publish(&place, &members, &theirs);
    place.write("theirs.toml", &cluster_text(members.cluster.file()));
    let url = place.without_cluster();
    place.ok(&format!("job result test {url}"));
    place.ok(&format!("job result test {url} --out out"));
    let said = place.ok("verify out/result.json --cluster theirs.toml");
    assert!(said.contains("of SOME job with this id"), "{said}");
}

#[test]
fn a_job_of_other_terms_under_the_same_id_is_neither_shown_nor_closed_nor_cancelled() {
    let place = Workplace::new();
    place.job();
    place.write_spec("other.toml", "other");
    place.ok("job create other.toml --id k --token-file token");
    place.coordinator.offer_as("k", "j");
    for command in ["job status j", "job close j --yes", "job cancel j", "job watch j"] {
        let error = place.fails(command);
        assert!(
            error.contains("of other terms than the job that was created here"),
            "{command}: {error}"
        );
    }
    assert!(place.ok("job status k").contains("open"), "nothing was closed or cancelled");
}

#[test]
fn a_result_of_other_terms_is_not_passed_on_without_a_cluster_file_either() {
    let place = Workplace::new();
    place.ok("job create spec.toml --id test --token-file token");
    let (members, theirs) = (cluster_with_keys(3, 1), job(2, 2, 2, PayRule::Flat));
    publish(&place, &members, &theirs);
    let command = format!("job result test {}", place.without_cluster());
    for what in ["", "--csv payouts", "--out out"] {
        let error = place.fails(&format!("{command} {what}"));
        assert!(
            error.contains("of other terms than the job that was created here"),
            "{what}: {error}"
        );
    }
    assert!(!place.path().join("out").exists());
    // Where no such job was created, it is printed, and said not to be verified.
    std::fs::remove_dir_all(place.path().join("state")).unwrap();
    assert!(place.warns(&format!("{command} --csv payouts")).contains("not verified"));
}

#[test]
fn what_is_kept_of_a_job_is_of_its_id_and_of_its_cluster() {
    let place = Workplace::new();
    place.job();
    let folder = place.path().join("state/jobs");
    std::fs::copy(folder.join("j.json"), folder.join("k.json")).unwrap();
    assert!(place.fails("job status k").contains("damaged"));
    let kept = std::fs::read_to_string(folder.join("j.json")).unwrap();
    let cluster = place.coordinator.cluster_digest().to_string();
    let other = cluster.chars().rev().collect::<String>();
    std::fs::write(folder.join("j.json"), kept.replace(&cluster, &other)).unwrap();
    assert!(place.fails("job status j").contains("was created here for another cluster"));
}

#[test]
fn the_command_line_says_who_the_buyer_is_and_else_the_environment() {
    let place = Workplace::new();
    place.job();
    let buyer = |args: &str, token: bool| {
        let mut command = place.command(args);
        if token {
            command.env("TACIT_TOKEN", crate::coordinator::TOKEN);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{args}: {output:?}");
        place.coordinator.signed_by().map(|key| key.to_string())
    };
    let environment = place.public_key("buyer.key");
    let other = place.ok("keygen --out other.key").trim().to_owned();
    assert_eq!(buyer("job close j --yes", false), Some(environment));
    assert_eq!(buyer("job close j --yes", true), None);
    assert_eq!(buyer("job close j --yes --buyer-key other.key", true), Some(other.clone()));
    assert_eq!(buyer("job close j --yes --token-file token", false), None);
    // The request and the cancellation are signed with the same key.
    assert_eq!(buyer("job cancel j --buyer-key other.key", true), Some(other));

    let both = place.tacit("job close j --yes --buyer-key other.key --token-file token");
    assert_eq!(both.status.code(), Some(2), "{both:?}");
    assert!(String::from_utf8(both.stderr).unwrap().contains("give one of them"));
    let without = format!("job close j --yes --buyer-key other.key {}", place.without_cluster());
    assert!(place.fails(&without).contains("give --cluster"));
}

/// Writes items g0 to g29 and gold answers to five of them.
fn write_gold(place: &Workplace) {
    let items: String = (0..30).map(|i| format!("g{i},picture {i}\n")).collect();
    place.write("items.csv", &format!("id,text\n{items}"));
    place.write("gold.csv", "item,answer\ng0,stop\ng1,stop\ng2,yield\ng3,stop\ng4,yield\n");
}

#[test]
fn the_buyer_of_a_sensitive_job_is_told_that_it_pays_no_bonus_and_takes_no_gold() {
    const NO_BONUS: &str = "everyone is paid the base for each answer that counts, and no bonus: in a sensitive job a bonus would say how others \
                            answered";
    const NO_GOLD: &str = "the gold answers are not sent, because a sensitive job takes none";
    let place = Workplace::new();
    write_gold(&place);
    let issuers = issuers(1);
    let keys: Vec<String> = issuers.keys.iter().map(|key| format!("\"{key}\"")).collect();
    for (rule, gold, told) in [
        ("flat", "", &[][..]),
        ("peer_agreement", "", &[NO_BONUS]),
        ("gold", "gold = \"gold.csv\"", &[NO_BONUS, NO_GOLD]),
    ] {
        place.write(
            "sensitive.toml",
            &format!(
                "name = \"sensitive\"\nquestion = {{ kind = \"categorical\", classes = [\"stop\", \"yield\"] }}\nitems = \"items.csv\"\n\
                 answers_per_item = 7\nrelease = [\"labels\", \"payouts\"]\n{gold}\n\
                 issuers = {{ pool = \"{}\", keys = [{}], need = {} }}\n\
                 payout = {{ rule = \"{rule}\", currency = \"EUR\", base_per_item = 20000, bonus_per_item = {}, budget = 100000000 }}\n",
                issuers.pool,
                keys.join(", "),
                issuers.need,
                if rule == "flat" { 0 } else { 20000 },
            ),
        );
        let said = place.warns(&format!(
            "job create sensitive.toml --id {} --token-file token",
            rule.replace('_', "-")
        ));
        let due: String = told
            .iter()
            .map(|text| format!("tacit: job {}: {text}\n", rule.replace('_', "-")))
            .collect();
        assert_eq!(said, due, "{rule}");
    }
    assert!(place.coordinator.received().is_empty());
    // Where a bonus is paid, nobody says so.
    place.job();
    let said = place.warns(CREATE);
    assert!(!said.contains("no bonus") && !said.contains("gold answers are not sent"), "{said}");
}

const CREATE_GOLD: &str = "job create gold.toml --id g --token-file token";

/// A place with a spec whose gold answers count.
fn with_gold() -> Workplace {
    let place = Workplace::new();
    write_gold(&place);
    place.write(
        "gold.toml",
        "name = \"gold\"\nquestion = { kind = \"categorical\", classes = [\"stop\", \"yield\"] }\nitems = \"items.csv\"\n\
         answers_per_item = 3\nsensitive = false\nrelease = [\"payouts\"]\ngold = \"gold.csv\"\n\
         payout = { rule = \"gold\", currency = \"EUR\", base_per_item = 20000, bonus_per_item = 20000, budget = 10000000 }\n",
    );
    place
}

#[test]
fn gold_answers_that_a_restored_coordinator_gets_too_late_are_sealed_again() {
    let place = with_gold();
    place.coordinator.serve_keys(1000, 3600);
    place.ok(CREATE_GOLD);
    let sent = place.coordinator.forget_submissions();
    place.coordinator.serve_keys(500, 3600);
    place.coordinator.destroy_older_keys();
    place.ok(CREATE_GOLD);
    let again = place.coordinator.received();
    assert_eq!(again.len(), sent.len());
    assert!(again.iter().all(|one| !sent.contains(one)), "other bytes");
    place.ok(CREATE_GOLD);
    assert_eq!(place.coordinator.received(), again);
    // Lost once more, the newest bytes come again.
    place.coordinator.forget_submissions();
    place.ok(CREATE_GOLD);
    assert_eq!(place.coordinator.received(), again);
}

#[test]
fn gold_answers_that_a_restored_coordinator_has_lost_are_sent_again() {
    let place = with_gold();
    place.ok(CREATE_GOLD);
    let sent = place.coordinator.forget_submissions();
    assert!(!sent.is_empty());
    place.ok(CREATE_GOLD);
    assert_eq!(place.coordinator.received(), sent, "the same bytes");
    assert_eq!(place.coordinator.enrolled(), Vec::<String>::new());
    place.coordinator.forget_submissions();
    // A full disk passes: that is no reason to cancel the job.
    place.coordinator.refuse_after(0);
    let output = place.tacit(CREATE_GOLD);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert!(error.contains("try again later") && !error.contains("cancel the job"), "{error}");
    place.coordinator.refuse_after_with(0, (409, "job_closed"));
    let output = place.tacit(CREATE_GOLD);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(6));
    assert!(
        error.contains("lost gold submission") && error.contains("does not take it again"),
        "{error}"
    );
}
