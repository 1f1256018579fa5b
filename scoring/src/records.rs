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
