//! Keys of components that outlive a session: made once, or taken from who has recorded them.

use super::error::SessionError;
use super::state::Session;
use crate::digest::Digest;
use crate::network::{Expected, Network, Outgoing, Phase};
use crate::probe::Check;
use crate::prss::ComponentKey;
use crate::sharing::{Component, NodeSet, Party};
use crate::stored_keys::{KEY_LEN, KeyNames, OwnKeys, StoredKeys, concatenated, key_digest, read_digests};

/// What a participant has stored of earlier sessions. The order of the bytes is that of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nothing.
    None = 0,
    /// Keys, with which nothing was opened.
    Stored = 1,
    /// Keys, and the record that outputs are opened with them.
    Recorded = 2,
}

/// What a participant says at first.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    standing: Standing,
    /// The inputs and digests by component that it has stored; zeros if it has stored nothing.
    stored: Vec<Digest>,
    /// The digests of the fresh keys that it holds, by held component.
    fresh: Vec<Digest>,
}

/// Whose keys are taken.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    /// Nobody's: the fresh ones.
    Fresh,
    /// Those that these participants have stored: their inputs and digests by component.
    Stored(NodeSet, Vec<Digest>),
}

impl<N: Network> Session<N> {
    /// Agrees on keys for these inputs that exactly the holders of each component know. If a participant has recorded keys before,
    /// they are taken again, and who lacks a key gets it from the holders that have the record; the digests in the record say
    /// whether it is the right one. Otherwise the keys are derived from those of this session, and all holders of a component
    /// compare digests. `own` is what this node has stored. Errors call the inputs and keys by `names`.
    ///
    /// If nobody has a record, but some participants have stored keys, these are taken if they are equal and these participants together
    /// hold the key of every component: a program that was cut off before it recorded goes on with its keys.
    ///
    /// The caller stores the keys durably, and then calls [`Session::confirm_stored_keys`]. One round, and a second one if somebody lacks keys
    /// that others have.
    ///
    /// # Errors
    /// * [`SessionError::RecordsDiffer`]: two records are not the same, or are for other inputs.
    /// * [`SessionError::NoKey`], [`SessionError::WrongKey`]: a recorded key is missing, or a participant gave a wrong one.
    /// * [`SessionError::Disagreement`]: holders have derived different keys.
    /// * The round failed.
    pub fn agree_on_stored_keys(&mut self, inputs: Digest, own: Option<&OwnKeys>, names: KeyNames) -> Result<StoredKeys, SessionError> {
        self.enter(Phase::RELEASE);
        let held = self.party.held().to_vec();
        let fresh = StoredKeys::fresh(&self.prss, &inputs, &held);
        let statements = self.exchange_statements(own, &fresh)?;
        let choice = if self.performs(Check::StoredKeys) {
            choose(&self.party, self.phase, &inputs, &statements, names)?
        } else {
            Choice::Fresh
        };
        let (digests, keys) = match choice {
            Choice::Fresh => (fresh_digests(&self.party, self.phase, &statements, names)?, fresh),
            Choice::Stored(having, stored) => {
                let digests = stored[1..].to_vec();
                let own = own.filter(|_| having.contains(self.party.me())).map(|own| &own.keys);
                (digests.clone(), self.supply_keys(having, own, &digests, names)?)
            }
        };
        // Each key was compared with its digest by now: those of peers here, fresh ones by all holders, own ones when they were read.
        StoredKeys::new(&held, inputs, digests, keys).ok_or(SessionError::Disagreement {
            phase: self.phase,
            what: names.keys,
            suspects: self.party.present(),
        })
    }

    /// Tells the participants that this node has stored these keys durably, and waits until all of them have said the same of the same
    /// ones. After that each records the release ([`Session::recorded`]). So a record exists only where every participant has stored
    /// its keys, and any later set of participants has all keys unless a corrupt node keeps one back. One round.
    ///
    /// # Errors
    /// The round failed, or a participant has stored other keys.
    pub fn confirm_stored_keys(&mut self, keys: &StoredKeys, names: KeyNames) -> Result<(), SessionError> {
        let digest = keys.digest();
        for (peer, theirs) in self.tell_all(digest.as_bytes())? {
            if theirs != digest.as_bytes() && self.performs(Check::StoredKeys) {
                return Err(SessionError::Disagreement {
                    phase: self.phase,
                    what: names.keys,
                    suspects: [self.party.me(), peer].into_iter().collect(),
                });
            }
        }
        Ok(())
    }

    /// Sends what this node has stored and made to all, and returns what each participant says, itself included, by node.
    fn exchange_statements(&mut self, own: Option<&OwnKeys>, fresh: &[ComponentKey]) -> Result<Vec<(usize, Statement)>, SessionError> {
        let held = self.party.held().to_vec();
        let components = self.party.access().components();
        let statement = Statement {
            standing: match own {
                None => Standing::None,
                Some(OwnKeys { recorded: false, .. }) => Standing::Stored,
                Some(OwnKeys { recorded: true, .. }) => Standing::Recorded,
            },
            stored: own.map_or_else(
                || vec![Digest::from_bytes([0; Digest::LEN]); 1 + components],
                |own| [&[own.keys.inputs()], own.keys.digests()].concat(),
            ),
            fresh: fresh
                .iter()
                .zip(&held)
                .map(|(key, component)| key_digest(key, *component))
                .collect(),
        };
        let mut statements = Vec::with_capacity(self.party.present().len());
        for (peer, bytes) in self.tell_all(&statement.to_bytes())? {
            let read = Statement::read(&bytes, 1 + components).ok_or(SessionError::Malformed {
                phase: self.phase,
                peer,
                what: "a statement about stored keys",
            })?;
            statements.push((peer, read));
        }
        statements.push((self.party.me(), statement));
        statements.sort_by_key(|(node, _)| *node);
        Ok(statements)
    }

    /// The keys with these digests, in the order of the held components: this node's `own` if it is one of those that have them;
    /// otherwise what those send, each its common components with this node. One round; none if all have them.
    fn supply_keys(
        &mut self,
        having: NodeSet,
        own: Option<&StoredKeys>,
        digests: &[Digest],
        names: KeyNames,
    ) -> Result<Vec<ComponentKey>, SessionError> {
        let common = |peer: usize| -> Vec<usize> {
            let holders = |position: &usize| self.party.holders(self.party.held()[*position]);
            (0..self.party.held().len())
                .filter(|position| holders(position).contains(peer))
                .collect()
        };
        let lacking = self.party.present().minus(having);
        if let Some(own) = own {
            let message = |to: usize| Outgoing {
                to,
                bytes: concatenated(common(to).into_iter().map(|position| own.key(position))).into_vec(),
            };
            let messages: Vec<_> = lacking.iter().map(message).filter(|message| !message.bytes.is_empty()).collect();
            self.exchange(messages, &[])?;
            return Ok((0..self.party.held().len()).map(|position| own.key(position).clone()).collect());
        }
        let senders = having.iter().map(|from| (from, common(from)));
        let senders: Vec<_> = senders.filter(|(_, positions)| !positions.is_empty()).collect();
        let expected: Vec<_> = senders
            .iter()
            .map(|(from, positions)| Expected {
                from: *from,
                len: positions.len() * KEY_LEN,
            })
            .collect();
        let mut received = self.exchange(Vec::new(), &expected)?;
        let mut keys = vec![None; self.party.held().len()];
        let mut wrong = None;
        for ((peer, positions), bytes) in senders.iter().zip(&received) {
            let (sent, _) = bytes.as_chunks();
            for (position, key) in positions.iter().zip(sent) {
                let component = self.party.held()[*position];
                let key = ComponentKey::new(*key);
                if digests.get(component) == Some(&key_digest(&key, component)) {
                    keys[*position] = Some(key);
                } else {
                    wrong = wrong.or(Some((*peer, component)));
                }
            }
        }
        received.iter_mut().for_each(zeroize::Zeroize::zeroize);
        if let Some((peer, component)) = wrong {
            let phase = self.phase;
            return Err(SessionError::WrongKey { phase, peer, component });
        }
        let missing = |position: usize| no_key(&self.party, self.phase, self.party.held()[position], having, names);
        let keys = keys
            .into_iter()
            .enumerate()
            .map(|(position, key)| key.ok_or_else(|| missing(position)));
        keys.collect()
    }

    /// Sends the same message to every peer. Returns the peers in ascending order with what they sent, as many bytes each.
    fn tell_all(&mut self, bytes: &[u8]) -> Result<Vec<(usize, Vec<u8>)>, SessionError> {
        let outgoing = self.party.peers().map(|to| Outgoing { to, bytes: bytes.to_vec() }).collect();
        let len = bytes.len();
        let expected: Vec<_> = self.party.peers().map(|from| Expected { from, len }).collect();
        let received = self.exchange(outgoing, &expected)?;
        Ok(self.party.peers().zip(received).collect())
    }
}

impl Statement {
    fn to_bytes(&self) -> Vec<u8> {
        let digests = self.stored.iter().chain(&self.fresh).flat_map(|digest| *digest.as_bytes());
        std::iter::once(self.standing as u8).chain(digests).collect()
    }

    /// Reads a statement with so many digests of what was stored; the others are those of fresh keys. `None` if its first byte says nothing.
    fn read(bytes: &[u8], stored: usize) -> Option<Self> {
        let (standing, digests) = bytes.split_first()?;
        let standing = match standing {
            0 => Standing::None,
            1 => Standing::Stored,
            2 => Standing::Recorded,
            _ => return None,
        };
        let mut digests = read_digests(digests);
        Some(Self {
            standing,
            stored: digests.by_ref().take(stored).collect(),
            fresh: digests.collect(),
        })
    }
}

/// Decides whose keys are taken for these inputs. Every participant that received the same statements decides the same.
fn choose(
    party: &Party,
    phase: Phase,
    inputs: &Digest,
    statements: &[(usize, Statement)],
    names: KeyNames,
) -> Result<Choice, SessionError> {
    let of = |standing: Standing| statements.iter().filter(move |(_, statement)| statement.standing == standing);
    let recorded = || of(Standing::Recorded);
    // Who has stored the same, with or without a record.
    let having = |stored: &[Digest]| -> NodeSet {
        let same = statements
            .iter()
            .filter(|(_, other)| other.standing != Standing::None && other.stored == stored);
        same.map(|(node, _)| *node).collect()
    };
    // The first component of which none of these participants holds the key.
    let without_key =
        |having: NodeSet| (0..party.access().components()).find(|component| having.minus(party.access().excluded(*component)).is_empty());
    if let Some((_, Statement { stored, .. })) = recorded().next() {
        let other_inputs = recorded().any(|(_, other)| other.stored.first() != Some(inputs));
        if other_inputs || recorded().any(|(_, other)| other.stored != *stored) {
            return Err(SessionError::RecordsDiffer {
                phase,
                what: if other_inputs { names.inputs } else { names.keys },
                nodes: recorded().map(|(node, _)| *node).collect(),
            });
        }
        return match without_key(having(stored)) {
            Some(component) => Err(no_key(party, phase, component, having(stored), names)),
            None => Ok(Choice::Stored(having(stored), stored.clone())),
        };
    }
    // Nothing was opened with keys that nobody has recorded, so fresh ones may take their place.
    let Some((_, Statement { stored, .. })) = of(Standing::Stored).next() else {
        return Ok(Choice::Fresh);
    };
    let usable = stored.first() == Some(inputs) && of(Standing::Stored).all(|(_, other)| other.stored == *stored);
    Ok(if usable && without_key(having(stored)).is_none() {
        Choice::Stored(having(stored), stored.clone())
    } else {
        Choice::Fresh
    })
}

/// The digest of the fresh key of each component, the same at all its holders.
fn fresh_digests(party: &Party, phase: Phase, statements: &[(usize, Statement)], names: KeyNames) -> Result<Vec<Digest>, SessionError> {
    let of = |component: Component| {
        let mut digests = statements.iter().filter_map(|(node, statement)| {
            let position = party.access().held_by(*node).binary_search(&component).ok()?;
            statement.fresh.get(position)
        });
        let first = digests.next();
        first
            .filter(|first| digests.all(|other| other == *first))
            .copied()
            .ok_or(SessionError::Disagreement {
                phase,
                what: names.keys,
                suspects: party.holders(component),
            })
    };
    (0..party.access().components()).map(of).collect()
}

fn no_key(party: &Party, phase: Phase, component: Component, nodes: NodeSet, names: KeyNames) -> SessionError {
    SessionError::NoKey {
        phase,
        keys: names.keys,
        component,
        nodes,
        holders: party.access().holders(component),
    }
}

#[cfg(test)]
mod tests;
