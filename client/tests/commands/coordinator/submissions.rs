//! Submissions: taken with a receipt, withdrawn, and their outcome.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json};
use tacit_protocol::api::{
    Enrolment, JobState, Receipt, ReceiptStatement, RejectedAnswer, SUBMISSION_TYPE, SubmissionOutcome, SubmissionStatus,
    WithdrawalRequest, WithdrawalStatus, enrolment_statement,
};
use tacit_protocol::codec;
use tacit_protocol::identity::{Purpose, SecretKey, Signed};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::{Header, Submission};
use tacit_protocol::withdrawal::{Erasure, Withdrawal};

use super::{Answer, Cheat, REFUSING, Server, Stored, find, problem, problem_of};

pub(super) async fn enrol(State(server): State<Arc<Server>>, Json(enrolment): Json<Enrolment>) -> Answer {
    let statement = enrolment_statement(&server.cluster.digest(), &enrolment.contributor);
    let verified = enrolment.key.verify(Purpose::Enrolment, &statement, &enrolment.signature);
    verified.map_err(|_| problem(400, "bad signature", "the signature does not verify"))?;
    server.state.lock().unwrap().enrolled.push(enrolment.contributor);
    Ok(StatusCode::CREATED.into_response())
}

pub(super) async fn submit(
    State(server): State<Arc<Server>>,
    Path((id, submission_id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    assert_eq!(headers[header::CONTENT_TYPE], SUBMISSION_TYPE);
    let mut stored = server.state.lock().unwrap();
    stored.requests += 1;
    let known = stored.submissions.iter().position(|(bytes, _)| *bytes == body);
    if stored
        .withdrawn
        .iter()
        .any(|header| header.statement.id.to_string() == submission_id)
    {
        let detail = "the submission was withdrawn: to answer again, draw a new id";
        return Err(problem_of("submission_conflict", 409, "another submission has this id", detail));
    }
    let submission: Submission = codec::decode(&body, "a submission").unwrap();
    let is_destroyed = |epoch: &u64| known.is_none() && *epoch < stored.opens_from;
    let too_late = submission.header.value.statement.epochs.iter().any(is_destroyed);
    let claimed = stored.sealed_too_late.take();
    if claimed.is_some() || too_late {
        if let Some(keys) = claimed {
            stored.sealing = keys;
        }
        return Err(problem_of("sealing_key_expired", 409, "too late", "seal to the newest keys"));
    }
    if known.is_none() && stored.submissions.len() >= stored.refuse_after {
        let (status, kind) = stored.refuse_with;
        return Err(problem_of(kind, status, "no room", "the disk is full:\nfree some"));
    }
    let job = &find(&stored, &id)?.0;
    Header::check(&submission.header, &server.cluster, job).unwrap();
    assert!(submission.is_complete());
    assert_eq!(submission.header.value.statement.id.to_string(), submission_id);
    if !stored.uploads.contains(&body.to_vec()) {
        stored.uploads.push(body.to_vec());
    }
    let sequence = sequence_of(&stored, &body);
    let receipt = receipt(&server, &stored, &submission.header.value, sequence);
    if known.is_none() {
        let answers = submission.header.value.statement.items.len();
        stored.submissions.push((body.to_vec(), answers));
    }
    Ok((StatusCode::CREATED, Json(receipt)).into_response())
}

/// Takes a submission out of an open job. Nodes that are away sign nothing.
pub(super) async fn withdraw(
    State(server): State<Arc<Server>>,
    Path((id, submission_id)): Path<(String, String)>,
    Json(request): Json<WithdrawalRequest>,
) -> Answer {
    let mut stored = server.state.lock().unwrap();
    stored.asked_to_withdraw += 1;
    if stored.hide_withdrawable {
        return Err(problem_of("unknown_submission", 404, "not found", "there is no such submission"));
    }
    let (_, spec, job_state) = find(&stored, &id)?;
    let (is_public, is_open) = (spec.spec.public, *job_state == JobState::Open);
    let header_of = |bytes: &[u8]| codec::decode::<Submission>(bytes, "a submission").unwrap().header.value;
    let is_it = |header: &Header| header.statement.id.to_string() == submission_id;
    let known = stored.submissions.iter().position(|(bytes, _)| is_it(&header_of(bytes)));
    let header = match (known, stored.withdrawn.iter().find(|header| is_it(header))) {
        (_, Some(header)) => header.clone(),
        (Some(_), None) if !is_open => return Err(problem_of("frozen", 409, "frozen", "its submissions are fixed")),
        (Some(at), None) => header_of(&stored.submissions[at].0),
        // Whoever has sent nothing learns nothing of a job that is not public.
        (None, None) if !is_public => return Err(problem_of("unknown_job", 404, "not found", "there is no such job")),
        (None, None) => return Err(problem_of("unknown_submission", 404, "not found", "there is no such submission")),
    };
    let statement = codec::encode(&Withdrawal::of(&header));
    let verified = header.statement.key.verify(Purpose::Withdrawal, &statement, &request.signature);
    verified.map_err(|_| problem_of("bad_signature", 400, "bad signature", "the signature does not verify"))?;
    if let Some(at) = known {
        stored.submissions.remove(at);
        stored.withdrawn.push(header.clone());
    }
    let present = &server.nodes[..server.nodes.len() - stored.away];
    Ok(Json(WithdrawalStatus {
        erasures: present
            .iter()
            .map(|key| Signed::new(Erasure::of(&header), Purpose::Erasure, key))
            .collect(),
        waiting_on: Vec::new(),
    })
    .into_response())
}

pub(super) fn sequence_of(stored: &Stored, upload: &[u8]) -> usize {
    stored.uploads.iter().position(|bytes| bytes == upload).unwrap()
}

pub(super) fn receipt(server: &Server, stored: &Stored, header: &Header, sequence: usize) -> Receipt {
    let receipt = ReceiptStatement {
        cluster: server.cluster.digest(),
        job: header.statement.job.clone(),
        job_digest: header.statement.job_digest,
        submission: header.statement.id,
        digest: header.digest(),
        answers: header.statement.items.len() as u32,
        sequence: sequence as u64,
    };
    let forged = SecretKey::from_bytes(&[77; 32]);
    Signed::new(receipt, Purpose::Receipt, if stored.forge { &forged } else { &server.key })
}

/// The outcome once the job is published: all answers count except the first of each submission, or none does if two nodes refuse
/// everything.
pub(super) async fn outcome(State(server): State<Arc<Server>>, Path((id, submission_id)): Path<(String, String)>) -> Answer {
    let stored = server.state.lock().unwrap();
    if let Some((status, kind)) = stored.hide_submissions {
        return Err(problem_of(kind, status, "hidden", "it is not shown"));
    }
    let (_, spec, state) = find(&stored, &id)?;
    let submissions = stored.submissions.iter().map(|(bytes, _)| (sequence_of(&stored, bytes), bytes));
    let decoded = submissions.map(|(at, bytes)| (at, codec::decode::<Submission>(bytes, "a submission").unwrap().header.value));
    let (sequence, header) = decoded
        .into_iter()
        .find(|(_, header)| header.statement.id.to_string() == submission_id)
        .ok_or_else(|| problem_of("unknown_submission", 404, "not found", "there is no such submission"))?;
    let items = &header.statement.items;
    let (rejected, reason) = if stored.refused_by_nodes {
        (&items[..], RejectReason::Unsealable)
    } else {
        (&items[..1], RejectReason::DuplicateAnswer)
    };
    let refusing: &[usize] = match stored.cheats {
        Some(Cheat::Accuses) => &[0],
        Some(Cheat::HidesRefusers) => &[],
        _ if stored.refused_by_nodes => &REFUSING,
        _ => &[],
    };
    let answer = |item: &u32| RejectedAnswer {
        item: spec.spec.items[*item as usize].id.clone(),
        reason,
    };
    let counted = items.len() - rejected.len();
    let outcome = SubmissionOutcome {
        accepted: (counted as u64).saturating_sub(u64::from(stored.lose_an_answer)),
        rejected: rejected.iter().map(answer).collect(),
        refused_by: refusing.iter().map(|node| server.cluster.node_name(*node)).collect(),
    };
    Ok(Json(SubmissionStatus {
        receipt: receipt(&server, &stored, &header, sequence),
        outcome: (*state == JobState::Published).then_some(outcome),
    })
    .into_response())
}
