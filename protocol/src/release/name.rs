//! What an output is called in text.

use std::fmt;

use super::OutputName;

/// The name as it stands in a certificate.
impl fmt::Display for OutputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClassTotals => "class_totals",
            Self::Agreement => "agreement",
            Self::ContributorAgreement => "contributor_agreement",
            Self::ContributorBeyondChance => "contributor_beyond_chance",
            Self::ContributorGold => "contributor_gold",
            Self::Labels => "labels",
            Self::ContributorLabelAgreement => "contributor_label_agreement",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::OutputName::{
        self, Agreement, ClassTotals, ContributorAgreement, ContributorBeyondChance, ContributorGold, ContributorLabelAgreement, Labels,
    };

    #[test]
    fn outputs_are_called_as_in_a_certificate() {
        let all: [OutputName; 7] = [
            ClassTotals,
            Agreement,
            ContributorAgreement,
            ContributorBeyondChance,
            ContributorGold,
            Labels,
            ContributorLabelAgreement,
        ];
        for name in all {
            assert_eq!(serde_json::to_value(name).unwrap(), name.to_string());
        }
    }
}
