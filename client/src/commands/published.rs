//! What a job asks, pays and publishes, as a contributor is told before the first answer leaves.

use tacit_client::text::one_line;
use tacit_protocol::job::{PayRule, Terms};
use tacit_protocol::question::{Question, Release};

use crate::output::{PUBLIC_ANSWERS, money};

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
        text += "  how far your answers agree with those of others, as scores\n";
    }
    if terms.releases(Release::Scores) && terms.scores_gold() {
        text += "  how many of the answers that the buyer knew you have right, as a share\n";
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
    text + "you can take answers back until the job closes, with `tacit withdraw`\n"
}

/// Who vouches for the contributors of a job; empty if nobody does.
pub(super) fn vouched(terms: &Terms) -> String {
    let Some(issuers) = &terms.issuers else {
        return String::new();
    };
    let mut text = format!(
        "the other contributors are people of pool `{}`, as {} of these issuers say (could they be the buyer's own?):\n",
        issuers.pool, issuers.need
    );
    issuers.keys.iter().for_each(|key| text.push_str(&format!("  {key}\n")));
    text
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
    use tacit_protocol::fixtures::job;

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
