//! Writes the seeds, which are well-formed inputs for every target: `cargo run --example seeds`

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tacit_fuzz::fixture::{FIXTURE, Fixture, NODES, randomness};
use tacit_fuzz::forged::ForgedParts;
use tacit_fuzz::transcript::HONEST;
use tacit_fuzz::{elements, ready};
use tacit_link::write_frame;
use tacit_mpc_core::field::{Fp61, encode_vector};
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::api::{
    ClusterInfo, Enrolment, JobList, JobState, JobStatus, Problem, ReceiptStatement, RejectedAnswer, SubmissionOutcome, SubmissionStatus,
    WaitingOn, enrolment_statement,
};
use tacit_protocol::card::Card;
use tacit_protocol::codec::encode;
use tacit_protocol::control::{Refusal, Reply, Request};
use tacit_protocol::fixtures::{ClusterWithKeys, epochs, invitation_of, issuers, revocation_of};
use tacit_protocol::hello::Hello;
use tacit_protocol::identity::{Purpose, Signed};
use tacit_protocol::lane::{LaneId, MessageHeader};
use tacit_protocol::peer::{Answer, NoticeQuestion, Parts, PeerQuestion, Question, Unanswered, Wanted};
use tacit_protocol::phase::Phase;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release_notice::ReleaseNotice;
use tacit_protocol::versions::{PROTOCOL_VERSIONS, Versions};
use tacit_protocol::withdrawal::SignedWithdrawal;
use tacit_scoring::testing::SALTS;

/// Writes the seeds of a target, one file each.
fn write(target: &str, seeds: impl IntoIterator<Item = Vec<u8>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&folder).expect("a folder for seeds");
    for (index, seed) in seeds.into_iter().enumerate() {
        fs::write(folder.join(index.to_string()), seed).expect("a seed");
    }
}

fn json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("values of the API serialise")
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut framed = Vec::new();
    ready(write_frame(&mut framed, bytes)).expect("memory takes everything");
    framed
}

fn main() {
    wire();
    control();
    submissions();
    session();
    texts();
    api();
}

fn wire() {
    let (cluster, job) = (FIXTURE.members.cluster.digest(), FIXTURE.job.digest());
    write(
        "field_vector",
        [encode_vector(&[Fp61::reduce(1), Fp61::from_i64(-1)]), vec![0xff; 16]],
    );
    let hello = |max, probe| Hello {
        versions: Versions {
            min: PROTOCOL_VERSIONS.min,
            max,
        },
        cluster,
        clock: 1_790_000_000_000,
        probe,
    };
    let (ours, newer) = (PROTOCOL_VERSIONS.max, PROTOCOL_VERSIONS.max + 1);
    write(
        "hello",
        [
            frame(&hello(ours, false).to_bytes()),
            [frame(b"a"), frame(&[])].concat(),
            frame(&[hello(newer, true).to_bytes().as_slice(), b"more"].concat()),
        ],
    );
    let id = LaneId {
        job,
        attempt: 1,
        participants: NodeSet::all(NODES),
    };
    let messages = (0..3).map(|step| {
        let len = 8 * (step + 1);
        [MessageHeader { step, len }.to_bytes().to_vec(), vec![1; len as usize]].concat()
    });
    write(
        "lane",
        [std::iter::once(frame(&encode(&id))).chain(messages).collect::<Vec<_>>().concat()],
    );
}

fn control() {
    let Fixture { job, submissions, .. } = &*FIXTURE;
    let deliveries = submissions.iter().take(1).map(|submission| {
        let delivery = submission.delivery(0).expect("an envelope for each node");
        (submission.header.value.digest(), encode(&delivery))
    });
    let spec = json(&job.to_signed_spec());
    let job = job.id().clone();
    let requests = [
        Request::OpenJob { id: job.clone(), spec },
        Request::Deliver {
            job: job.clone(),
            submissions: deliveries.collect(),
        },
        Request::Compute {
            job: job.clone(),
            attempt: 1,
            participants: NodeSet::all(NODES),
            list: FIXTURE.list(submissions.len()),
            salts: SALTS,
        },
        Request::Cancel {
            job: job.clone(),
            signature: Some(*FIXTURE.job.signature()),
        },
        Request::Certified {
            job: job.clone(),
            certificate: b"{}".to_vec(),
        },
        Request::Revoke(revocation_of(&issuers(1), &[3, 7])),
        Request::SealingKey,
    ];
    write("control_request", requests.iter().map(encode));
    let replies = [
        Reply::Opened(FIXTURE.job.digest()),
        Reply::Delivered(vec![None, Some(RejectReason::BadSignature), Some(RejectReason::JobFull)]),
        Reply::Progress(Phase::Verify),
        Reply::Computed(Box::new(HONEST.computed[2].clone())),
        Reply::Erased,
        Reply::Revoked,
        Reply::Refused(Refusal::Policy {
            rule: "rule".to_owned(),
            detail: "detail".to_owned(),
        }),
        Reply::Refused(Refusal::OtherSpec(job)),
        Reply::Refused(Refusal::Session {
            phase: Some(Phase::Keys),
            suspects: NodeSet::all(2),
            transient: false,
            message: "message".to_owned(),
        }),
        Reply::Refused(Refusal::Withdrawn(vec![SignedWithdrawal {
            submission: FIXTURE.submissions[0].header.value.digest(),
            signature: FIXTURE.submissions[0].header.signature,
        }])),
    ];
    write("control_reply", replies.iter().map(encode));
    let wanted = |header, components| Wanted {
        submission: FIXTURE.submissions[0].header.value.digest(),
        header,
        components,
    };
    let question = Question {
        job: FIXTURE.job.id().clone(),
        terms: FIXTURE.job.digest(),
        wanted: vec![wanted(true, Vec::new()), wanted(false, vec![0, 1])],
    };
    let parts = Parts {
        header: encode(&FIXTURE.submissions[0].header),
        payloads: vec![vec![1; 64], Vec::new()],
    };
    // Its signature is another node's, so that it forbids nobody anything.
    let notice = ReleaseNotice {
        cluster: FIXTURE.members.cluster.digest(),
        job_digest: FIXTURE.job.digest(),
        accepted: HONEST.computed[2].released.subject().accepted,
        noise: None,
        node: 2,
    };
    let notice = notice.sign(&FIXTURE.members.identities[1]);
    let about_notices = NoticeQuestion {
        job: FIXTURE.job.id().clone(),
        terms: FIXTURE.job.digest(),
        notice: Some(notice.clone()),
    };
    let questions = [PeerQuestion::Parts(question), PeerQuestion::Notice(about_notices)];
    let answers = [
        Answer::Parts(vec![parts]),
        Answer::Refused(Unanswered::Forbidden),
        Answer::Notice(Some(notice)),
    ];
    let asked = questions.iter().map(|question| [&[0], encode(question).as_slice()].concat());
    let answered = answers.iter().map(|answer| [&[1], encode(answer).as_slice()].concat());
    write("peer", asked.chain(answered));
}

fn submissions() {
    let Fixture {
        members,
        job,
        contributor,
        submissions,
        ..
    } = &*FIXTURE;
    let malformed = submissions.last().expect("a malformed submission");
    let delivery = submissions[0].delivery(0).expect("an envelope for each node");
    write(
        "submission",
        [encode(&submissions[0]), encode(malformed), encode(&delivery), encode(&FIXTURE.gold)],
    );
    let forgeries = [(vec![0, 1], [1, 0, 0, 1].as_slice()), (vec![1], [7, 8].as_slice())];
    let mut rng = randomness(5);
    let forgeries = forgeries.map(|(items, numbers)| {
        let forgery = contributor.share(&members.cluster, job, &items, &elements(numbers), &mut rng);
        ForgedParts::from(forgery).write()
    });
    let for_node = |node: u8| forgeries.iter().map(move |forgery| [&[node], forgery.as_slice()].concat());
    write("delivery", (0..NODES as u8).flat_map(for_node));
}

/// For each of the two runs: the run as recorded, then with one edit of each kind.
fn session() {
    write(
        "session",
        (0..2u8).flat_map(|run| {
            [
                vec![run],
                vec![run, 5, 0, 0, 0, 1],
                vec![run, 9, 1, 3, 1, 2, 3],
                vec![run, 20, 2, 4, 30, 0, 9, 0, 1],
            ]
        }),
    );
}

fn texts() {
    write("certificate", [HONEST.certificate.to_json()]);
    // Two items with three answers each of three contributors that have answered both.
    let terms = [1, 2, 0, 1, 3, 2, 2, 0, 1, 1, 10, 4, 0, 0, 0, 1];
    let contributor = [1, 2, 1, 2, 1, 2, 0];
    let facts = [
        [1, 6, 3].as_slice(),
        &contributor,
        &contributor,
        &contributor,
        &[1, 1, 3, 1, 2, 1, 1, 1, 0],
    ]
    .concat();
    let numbers = [1, 4, 1, 2, 1, 5].repeat(4);
    let seed = |labels: u8| [&terms, [labels].as_slice(), &facts, &numbers].concat();
    write("facts", [seed(0), seed(1)]);
    let entries = FIXTURE.members.cluster.file().clone();
    let card = Card {
        coordinator: Some(entries.coordinator),
        nodes: entries.nodes,
    };
    let card = toml::to_string(&card).expect("cards can be written");
    write("cluster_file", [FIXTURE.file.clone().into_bytes(), card.into_bytes()]);
    let invitation = invitation_of(&issuers(2), 7).code();
    let bytes = URL_SAFE_NO_PAD
        .decode(&invitation["tacit-invitation-".len()..])
        .expect("a code is base64");
    // What stands before the checksum, of another number, so that no seed has signatures that count.
    let mut body = bytes[..bytes.len() - 4].to_vec();
    body[32] ^= 1;
    write("invitation", [invitation.as_bytes().to_vec(), body]);
    write("job_spec", [json(&FIXTURE.job.to_signed_spec())]);
    let tables: [&[u8]; 3] = [
        b"item,contributor,answer\ni,u,a\nj,u,b\n",
        b"\xef\xbb\xbftask,worker,label\r\n\"i\",v,\"a \"\"b\"\"\"\r\n\r\nj,u,\r\n",
        b"item,answer\ni,a\nj,b\n",
    ];
    write("answers_csv", tables.map(<[u8]>::to_vec));
    let events = [
        b"\x10: keep-alive\n\nevent: status\r\ndata: ".to_vec(),
        json(&status()),
        b"\r\n\r\ndata:2\n\n".to_vec(),
    ]
    .concat();
    write("event_stream", [events]);
}

fn status() -> JobStatus {
    JobStatus {
        id: FIXTURE.job.id().clone(),
        name: "fuzz".to_owned(),
        digest: FIXTURE.job.digest(),
        state: JobState::Computing,
        reason: Some("reason".to_owned()),
        created_at: 1_800_000_000,
        closed_at: Some(1_800_000_100),
        published_at: None,
        items: 2,
        answers_per_item: 3,
        submissions: 3,
        answers: 6,
        delivered: 3,
        complete_items: Some(2),
        contributors: Some(3),
        attempt: 1,
        phase: Some(Phase::Agreement),
        waiting_on: vec![WaitingOn {
            node: "node-1".to_owned(),
            reason: "busy".to_owned(),
            needs_operator: false,
        }],
    }
}

fn api() {
    let Fixture {
        members,
        file,
        contributor,
        job,
        submissions,
        ..
    } = &*FIXTURE;
    let ClusterWithKeys { cluster, identities, .. } = members;
    let contributor = &contributor.key;
    let enrolment = Enrolment {
        contributor: "ada".to_owned(),
        key: contributor.public(),
        signature: contributor.sign(Purpose::Enrolment, &enrolment_statement(&cluster.digest(), "ada")),
    };
    let statement = ReceiptStatement {
        cluster: cluster.digest(),
        job: job.id().clone(),
        job_digest: job.digest(),
        submission: submissions[0].header.value.statement.id,
        digest: submissions[0].header.value.digest(),
        answers: 2,
        sequence: 0,
    };
    let receipt = Signed::new(statement, Purpose::Receipt, &identities[NODES]);
    let outcome = SubmissionOutcome {
        accepted: 1,
        rejected: vec![RejectedAnswer {
            item: "i1".to_owned(),
            reason: RejectReason::ItemFull,
        }],
        refused_by: vec!["node-1".to_owned()],
    };
    let problem = Problem {
        kind: "urn:tacit:problem:busy".to_owned(),
        title: "busy".to_owned(),
        status: 503,
        detail: "send it again".to_owned(),
    };
    write(
        "api_json",
        [
            json(&ClusterInfo::new(
                cluster,
                file.clone(),
                epochs(&FIXTURE.members, 1_784_030_400, 1_784_808_000),
            )),
            json(&JobList { jobs: vec![status()] }),
            json(&status()),
            json(&enrolment),
            json(&receipt),
            json(&SubmissionStatus {
                receipt: receipt.clone(),
                outcome: Some(outcome),
            }),
            json(&problem),
            b"an-id".to_vec(),
            receipt.value.submission.to_string().into_bytes(),
            receipt.value.digest.to_string().into_bytes(),
        ],
    );
}
