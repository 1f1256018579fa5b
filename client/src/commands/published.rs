//! What a job asks, pays and publishes, as a contributor is told before the first answer leaves.

use tacit_client::text::one_line;
use tacit_protocol::job::{PayRule, Terms};
use tacit_protocol::question::{Question, Release};

use crate::output::{PUBLIC_ANSWERS, money};

/// How long what was sent is kept, as operators have it unless they say otherwise.
const KEPT: &str = "kept: the nodes' sealed parts of your answers until the job has ended, at most 90 days; your name, key and pay at the \
    coordinator for a year after that, unless their operators say otherwise\n";

/// The question, its classes, the pay, and until when.
pub(super) fn asked(terms: &Terms) -> String {
    let Question::Categorical(question) = &terms.question;
    let classes: Vec<String> = question.classes.iter().map(|class| one_line(class)).collect();
    let mut text = format!("job {}: {}\n", terms.id, one_line(&terms.name));
    if let Some(asked) = &question.text {
        text += &format!("question: {}\n", one_line(asked));
    }
    text += &format!(
        "answers:  {}\nitems:    {}, each answered by {} contributors\npay:      {}\ncloses:   {}\n",
        classes.join(", "),
        terms.items,
        terms.answers_per_item,
        pay(terms),
        closes(terms)
    );
    text
}

/// What is published about a contributor of this name; without a name, about whoever answers.
pub(super) fn about_you(terms: &Terms, name: Option<&str>) -> String {
    let name = match (&terms.issuers, name) {
        (Some(issuers), _) => format!("your number in pool `{}`", issuers.pool),
        (None, Some(name)) => format!("your name `{}`", one_line(name)),
        (None, None) => "your name".to_owned(),
    };
    let readers = if terms.public {
        "anybody can read it"
    } else {
        "the buyer can read it, and can show it to anybody"
    };
    let mut text = format!("published about you with the result, {readers}:\n  {name}, your key, and how many of your answers count\n");
    if terms.payout().is_some() {
        text += "  your pay\n";
    }
    if terms.releases(Release::Scores) {
        text += "  how far your answers agree with those of others, as scores";
        if terms.scores_gold() {
            text += ", and how many of the answers that the buyer knew you have right, as a share";
        }
        text.push('\n');
    }
    let of_all = [
        (Release::Labels, "the label of each item"),
        (Release::Agreement, "their agreement"),
        (Release::ClassTotals, "how often each class was answered"),
    ];
    let of_all: Vec<&str> = of_all
        .iter()
        .filter(|(release, _)| terms.releases(*release))
        .map(|(_, text)| *text)
        .collect();
    if !of_all.is_empty() {
        text += &format!("published of all contributors together: {}\n", of_all.join(", "));
    }
    text += &if terms.sensitive {
        "no answer is published or shown to anybody; the job is sensitive, so nothing is published of few contributors, and sums carry \
         noise\n"
            .to_owned()
    } else {
        format!("no answer is published by itself, but {PUBLIC_ANSWERS}\n")
    };
    if !terms.image_hosts.is_empty() {
        let hosts: Vec<String> = terms.image_hosts.iter().map(|host| one_line(host)).collect();
        text += &format!(
            "images come from {}: whoever runs that sees your network address and when you look, and never your answers\n",
            hosts.join(", ")
        );
    }
    text + KEPT + "you can take answers back until the job closes, with `tacit withdraw`\n"
}

/// Who vouches for the contributors of a job; empty if nobody does.
pub(super) fn vouched(terms: &Terms) -> String {
    let Some(issuers) = &terms.issuers else {
        return String::new();
    };
    let keys: Vec<String> = issuers.keys.iter().map(ToString::to_string).collect();
    format!(
        "the other contributors are people of pool `{}`, as {} of these issuers say (could they be the buyer's own?): {}\n",
        issuers.pool,
        issuers.need,
        keys.join(", ")
    )
}

fn pay(terms: &Terms) -> String {
    let (Some(payout), Some(rule)) = (terms.payout(), terms.pay_rule()) else {
        return "none".to_owned();
    };
    let money = |micro| money(micro, &payout.currency);
    let base = format!("{} for each answer that counts", money(payout.base_per_item));
    let by = match rule {
        PayRule::Flat => return base,
        PayRule::PeerAgreement => "more by agreement with others who answered the same",
        PayRule::PeerAgreementBeyondChance => "more or less by agreement with others who answered the same, beyond chance",
        PayRule::Gold => "more or less by the answers that the buyer knows",
    };
    format!("{base}, and up to {} {by}", money(payout.bonus_per_item))
}

fn closes(terms: &Terms) -> String {
    match &terms.closes_at {
        Some(time) => format!("{}, or when the buyer closes it", one_line(time)),
        None => "when the buyer closes it, or every item has its answers".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use tacit_protocol::fixtures::{issuers, job};

    use super::*;

    #[test]
    fn the_pay_is_said_by_its_rule() {
        for (rule, due) in [
            (PayRule::Flat, "for each answer that counts"),
            (PayRule::PeerAgreement, "more by agreement with others who answered the same"),
            (
                PayRule::PeerAgreementBeyondChance,
                "more or less by agreement with others who answered the same, beyond chance",
            ),
            (PayRule::Gold, "more or less by the answers that the buyer knows"),
        ] {
            let terms = job(4, 3, 5, rule).terms().clone();
            assert!(asked(&terms).contains(&format!("{due}\n")), "{}", asked(&terms));
        }
    }

    /// Everything that a job can publish about somebody is said in ten lines at most: more is not read.
    #[test]
    fn what_is_said_is_short_and_names_image_hosts_and_how_long_answers_are_kept() {
        let mut terms = job(4, 3, 5, PayRule::Gold).terms().clone();
        terms.release = [
            Release::Labels,
            Release::Agreement,
            Release::ClassTotals,
            Release::Scores,
            Release::Payouts,
        ]
        .into();
        terms.image_hosts = ["a.example".to_owned(), "b.example:8443".to_owned()].into();
        terms.issuers = Some(issuers(2));
        let text = about_you(&terms, Some("ada")) + &vouched(&terms);
        assert_eq!(text.lines().count(), 10, "{text}");
        for due in [
            "images come from a.example, b.example:8443: ",
            "kept: the nodes' sealed parts of your answers until the job has ended, at most 90 days;",
            "have right, as a share\n",
            &issuers(2).keys[1].to_string(),
        ] {
            assert!(text.contains(due), "{due}: {text}");
        }
        terms.image_hosts.clear();
        assert!(!about_you(&terms, None).contains("images"), "{text}");
    }

    #[test]
    fn a_contributor_is_told_what_is_published_about_whom() {
        let mut terms = job(4, 3, 5, PayRule::Flat).terms().clone();
        (terms.sensitive, terms.public) = (false, true);
        terms.release = [Release::Scores, Release::Payouts].into();
        let text = about_you(&terms, Some("ada"));
        for due in [
            "anybody can read it",
            "your name `ada`",
            "  your pay\n",
            "as scores",
            "as good as public",
        ] {
            assert!(text.contains(due), "{due}: {text}");
        }
        assert!(!text.contains("all contributors together"), "{text}");
        (terms.sensitive, terms.public) = (true, false);
        terms.release = [Release::Labels].into();
        let text = about_you(&terms, None);
        for due in ["the buyer can read it", "the label of each item", "the job is sensitive"] {
            assert!(text.contains(due), "{due}: {text}");
        }
        for absent in ["your pay", "scores", "as good as public"] {
            assert!(!text.contains(absent), "{absent}: {text}");
        }
    }
}
