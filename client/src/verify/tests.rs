use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::fixtures::{cluster_text, cluster_with_keys, job, submission};
use tacit_protocol::job::PayRule;
use tacit_scoring::testing::run_to_certificate;

use super::*;

const CLUSTER: &str = "cluster.toml";

/// A folder with the files of a published result and the cluster file.
fn published() -> tempfile::TempDir {
    let members = cluster_with_keys(3, 1);
    let job = job(2, 2, 2, PayRule::Flat);
    let submissions = [0, 1].map(|contributor| submission(&members, &job, contributor, &[(0, 1), (1, 0)]));
    let (certificate, report) = run_to_certificate(&members, NodeSet::all(3), &job, &submissions);
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        (CLUSTER, cluster_text(members.cluster.file()).into_bytes()),
        (CERTIFICATE, certificate.to_json()),
        (RESULT, report.to_json()),
        (PAYOUTS, report.payouts_csv()),
    ] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn verify_in(folder: &Path, what: &str) -> Result<Verified, VerifyError> {
    verify(&folder.join(what), &folder.join(CLUSTER))
}

#[test]
fn what_the_nodes_signed_verifies() {
    let folder = published();
    for what in [RESULT, CERTIFICATE] {
        let verified = verify_in(folder.path(), what).unwrap();
        assert_eq!(verified.report.job.id, "test");
        assert_eq!(verified.signers()[2], ("node-2", "test"));
        assert_eq!(verified.report.payouts.unwrap().total, 80_000);
    }
}

#[test]
fn every_altered_byte_is_refused_and_its_file_named() {
    let folder = published();
    for name in [CLUSTER, CERTIFICATE, RESULT, PAYOUTS] {
        let path = folder.path().join(name);
        let bytes = std::fs::read(&path).unwrap();
        let step = bytes.len().div_ceil(150);
        let places = (0..bytes.len()).step_by(step).chain([bytes.len() - 1]);
        for place in places {
            let mut altered = bytes.clone();
            altered[place] ^= 1;
            std::fs::write(&path, altered).unwrap();
            for what in [RESULT, CERTIFICATE] {
                let message = verify_in(folder.path(), what).unwrap_err().to_string();
                assert!(
                    message.contains(name) || (name == CLUSTER && message.contains("cluster file")),
                    "{name} {place}: {message}"
                );
                assert!(!message.contains('\n'), "{message}");
            }
        }
        for altered in [[bytes.as_slice(), b"\n"].concat(), bytes[..bytes.len() - 1].to_vec(), Vec::new()] {
            std::fs::write(&path, altered).unwrap();
            assert!(verify_in(folder.path(), RESULT).is_err(), "{name}");
        }
        std::fs::write(&path, bytes).unwrap();
    }
    assert!(verify_in(folder.path(), RESULT).is_ok());
}

#[test]
fn a_result_needs_its_other_files() {
    for name in [CERTIFICATE, PAYOUTS] {
        let folder = published();
        std::fs::remove_file(folder.path().join(name)).unwrap();
        let missing = VerifyError::Missing {
            path: folder.path().join(name),
            beside: folder.path().join(RESULT),
        };
        assert_eq!(verify_in(folder.path(), RESULT).unwrap_err(), missing);
    }
    let folder = published();
    std::fs::remove_file(folder.path().join(RESULT)).unwrap();
    std::fs::remove_file(folder.path().join(PAYOUTS)).unwrap();
    assert!(verify_in(folder.path(), CERTIFICATE).is_ok());
}
