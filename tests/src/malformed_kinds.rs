//! The kinds of malformed submissions that look right to everyone who cannot open the envelopes, and how each is rejected or repaired.

use rand::rng;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::job::Job;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::Submission;

use crate::forgery::{Author, Forgery, elements, half};

/// A kind of submission that the coordinator accepts although something is wrong with it. For clusters of three nodes and jobs of two classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MalformedKind {
    /// One answer of two classes.
    TwoHot,
    /// An answer of no class.
    AllZero,
    /// Two times one class and minus one time the other.
    TwoAndMinusOne,
    /// Very large numbers that add up to one.
    Huge,
    /// Two halves.
    Halves,
    /// Words that are no field elements.
    NotElements,
    /// The digests of two components in the header are swapped.
    DigestsSwapped,
    /// The two holders of a component get different ones.
    TwoFaced,
    /// Two nodes get each other's components, each sealed to the node it is sent to.
    ComponentsSwapped,
    /// The envelope contains more than the components.
    TooLong,
    /// The envelope contains less than the components.
    TooShort,
    /// Two nodes get each other's envelopes.
    EnvelopesSwapped,
    /// A node gets its own components, sealed to another node.
    SealedToAnother,
    /// The envelopes are those of another job.
    OfAnotherJob,
    /// The envelopes are those of another contributor, under this contributor's name.
    OfAnotherContributor,
    /// A ciphertext that ends early.
    Truncated,
    /// A ciphertext with a flipped bit.
    Altered,
}

/// What a malformed submission is made of.
#[derive(Debug)]
pub struct Scenario<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The job that it is sent to.
    pub job: &'a Job,
    /// Another job with the same items.
    pub other: &'a Job,
    /// The contributor.
    pub author: &'a Author,
}

impl MalformedKind {
    /// Answers that are not well-formed: only all nodes together can find out.
    pub const ILL_FORMED: [Self; 5] = [Self::TwoHot, Self::AllZero, Self::TwoAndMinusOne, Self::Huge, Self::Halves];

    /// Kinds that two nodes or all find out when they open their envelopes, and of which no node can give them what they miss.
    pub const ILL_SEALED: [Self; 6] = [
        Self::NotElements,
        Self::DigestsSwapped,
        Self::ComponentsSwapped,
        Self::EnvelopesSwapped,
        Self::OfAnotherJob,
        Self::OfAnotherContributor,
    ];

    /// All other kinds: one node finds out, and the other two give it what it misses. The answers in it are good.
    pub const REPAIRED: [Self; 6] = [
        Self::TwoFaced,
        Self::TooLong,
        Self::TooShort,
        Self::SealedToAnother,
        Self::Truncated,
        Self::Altered,
    ];

    /// The reason for which it is rejected, or at first refused by one node.
    pub fn reason(self) -> RejectReason {
        match self {
            Self::TwoHot | Self::AllZero | Self::TwoAndMinusOne | Self::Huge | Self::Halves => RejectReason::MalformedAnswer,
            Self::NotElements | Self::DigestsSwapped | Self::TwoFaced | Self::ComponentsSwapped | Self::TooLong | Self::TooShort => {
                RejectReason::DigestMismatch
            }
            _ => RejectReason::Unsealable,
        }
    }

    /// How many of the three nodes find out when they open their envelopes.
    pub fn finders(self) -> u64 {
        match self {
            Self::TwoHot | Self::AllZero | Self::TwoAndMinusOne | Self::Huge | Self::Halves => 0,
            Self::TwoFaced | Self::TooLong | Self::TooShort | Self::SealedToAnother | Self::Truncated | Self::Altered => 1,
            Self::NotElements | Self::ComponentsSwapped | Self::EnvelopesSwapped => 2,
            Self::DigestsSwapped | Self::OfAnotherJob | Self::OfAnotherContributor => 3,
        }
    }

    /// Makes a submission of answers to these items.
    pub fn make(self, scenario: &Scenario<'_>, items: &[u32]) -> Submission {
        // Only the last row is bad.
        let last = match self {
            Self::TwoHot => elements(&[1, 1]),
            Self::AllZero => elements(&[0, 0]),
            Self::TwoAndMinusOne => elements(&[2, -1]),
            Self::Huge => elements(&[1 << 59, 1 - (1 << 59)]),
            Self::Halves => vec![half(); 2],
            _ => elements(&[0, 1]),
        };
        let rows = [elements(&[1, 0]).repeat(items.len() - 1), last].concat();
        let share = |job: &Job, author: &Author| author.share(scenario.cluster, job, items, &rows, &mut rng());
        let mut forgery = share(scenario.job, scenario.author);
        let envelopes = match self {
            Self::OfAnotherJob => share(scenario.other, scenario.author).envelopes(&mut rng()),
            Self::OfAnotherContributor => {
                // Everything except the name and the key is as the other contributor signed it.
                let other = share(scenario.job, &Author::new("someone", &mut rng()));
                forgery.statement.id = other.statement.id;
                forgery.statement.components = other.statement.components.clone();
                other.envelopes(&mut rng())
            }
            _ => self.spoil(&mut forgery),
        };
        scenario.author.sign(forgery.statement, envelopes)
    }

    /// Makes the envelopes with what is wrong with them.
    fn spoil(self, forgery: &mut Forgery<'_>) -> Vec<Vec<u8>> {
        match self {
            Self::NotElements => {
                let explicit = forgery.explicit();
                forgery.payloads[explicit][32..].fill(0xff);
                forgery.digest_payloads();
            }
            Self::DigestsSwapped => forgery.statement.components.swap(0, 1),
            _ => {}
        }
        let mut envelopes = forgery.envelopes(&mut rng());
        match self {
            Self::TwoFaced => {
                let mut plaintext = forgery.held_by(2);
                *plaintext.last_mut().unwrap() ^= 1;
                envelopes[2] = forgery.seal(&plaintext, 2, 2, &mut rng());
            }
            Self::ComponentsSwapped => {
                envelopes[0] = forgery.seal(&forgery.held_by(1), 0, 0, &mut rng());
                envelopes[1] = forgery.seal(&forgery.held_by(0), 1, 1, &mut rng());
            }
            Self::TooLong => envelopes[0] = forgery.seal(&[forgery.held_by(0), vec![0]].concat(), 0, 0, &mut rng()),
            Self::TooShort => {
                let plaintext = forgery.held_by(1);
                envelopes[1] = forgery.seal(&plaintext[..plaintext.len() - 1], 1, 1, &mut rng());
            }
            Self::EnvelopesSwapped => envelopes.swap(0, 2),
            Self::SealedToAnother => envelopes[0] = forgery.seal(&forgery.held_by(0), 1, 0, &mut rng()),
            Self::Truncated => {
                envelopes[1].pop();
            }
            Self::Altered => *envelopes[2].last_mut().unwrap() ^= 1,
            _ => {}
        }
        envelopes
    }
}
