//! Streams and keys, and the test vectors of `vectors/prss.json`.

use super::*;
use crate::field::Fp61;
use crate::field::Gf64;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

fn node(node: u8, field: FieldId) -> Owner {
    Owner::Node { node, field }
}

fn prss() -> Prss {
    Prss::new(vec![ComponentKey::new([7; 32]), ComponentKey::new([8; 32])])
}

#[test]
fn an_address_serves_once() {
    let mut prss = prss();
    let address = Address {
        step: 1,
        owner: node(2, FieldId::Fp61),
    };
    assert!(prss.claim(address).is_ok());
    assert_eq!(prss.claim(address).unwrap_err(), Reused(address));
}

#[test]
fn a_stream_is_chacha20_element_by_element() {
    let mut prss = prss();
    let address = Address {
        step: 3,
        owner: Owner::Joint,
    };
    let values: Zeroizing<Vec<Fp61>> = prss.claim(address).unwrap().expand(1, 1000);
    let mut rng = ChaCha20Rng::from_seed([8; 32]);
    rng.set_stream(3 << 32 | 0xff);
    let expected: Vec<Fp61> = (0..1000).map(|_| Fp61::random(&mut rng)).collect();
    assert!(values[..] == expected[..]);
    let distinct: HashSet<u64> = values.iter().map(|value| value.to_u64()).collect();
    assert_eq!(distinct.len(), 1000);
}

#[test]
fn streams_differ_by_step_owner_and_key() {
    let mut prss = prss();
    let addresses = [
        Address {
            step: 1,
            owner: node(0, FieldId::Fp61),
        },
        Address {
            step: 2,
            owner: node(0, FieldId::Fp61),
        },
        Address {
            step: 1,
            owner: node(0, FieldId::Gf64),
        },
        Address {
            step: 1,
            owner: node(1, FieldId::Fp61),
        },
        Address {
            step: 1,
            owner: Owner::Joint,
        },
    ];
    let mut seen = HashSet::new();
    for address in addresses {
        let claimed = prss.claim(address).unwrap();
        for position in 0..2 {
            let stream: Vec<u64> = claimed.expand::<Fp61>(position, 4).iter().map(|x| x.to_u64()).collect();
            assert!(seen.insert(stream), "{address:?}");
        }
    }
}

#[test]
fn debug_shows_no_key() {
    assert!(!format!("{:?}", prss()).contains('7'));
}

/// The file `vectors/prss.json`; `vectors/README.md` describes it.
#[derive(Serialize, Deserialize)]
struct Vectors {
    component_keys: Vec<KeyVector>,
    streams: Vec<StreamVector>,
    claims: Vec<ClaimVector>,
}

#[derive(Serialize, Deserialize)]
struct KeyVector {
    name: String,
    valid: bool,
    session: Digest,
    component: Component,
    contributions: Vec<String>,
    key: String,
}

#[derive(Serialize, Deserialize)]
struct StreamVector {
    name: String,
    valid: bool,
    key: String,
    field: String,
    address: AddressVector,
    stream: String,
    /// Elements by their index in the stream.
    elements: Vec<(usize, String)>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct AddressVector {
    step: u32,
    owner: u8,
}

#[derive(Serialize, Deserialize)]
struct ClaimVector {
    name: String,
    addresses: Vec<AddressVector>,
    /// Whether each claim succeeds, in order.
    accepted: Vec<bool>,
}

fn address(vector: AddressVector) -> Address {
    let owner = match vector.owner {
        0xff => Owner::Joint,
        byte if byte & 0x80 == 0 => node(byte, FieldId::Fp61),
        byte => node(byte & 7, FieldId::Gf64),
    };
    Address { step: vector.step, owner }
}

fn key(hexadecimal: &str) -> ComponentKey {
    ComponentKey::new(hex::decode(hexadecimal).unwrap().try_into().unwrap())
}

fn word(word: u64) -> String {
    format!("{word:016x}")
}

/// The words of a stream's elements at the indices that a vector states.
fn words_of(vector: &StreamVector) -> Vec<(usize, String)> {
    let mut prss = Prss::new(vec![key(&vector.key)]);
    let claimed = prss.claim(address(vector.address)).unwrap();
    let len = vector.elements.iter().map(|(index, _)| index + 1).max().unwrap();
    let words: Vec<u64> = match vector.field.as_str() {
        "fp61" => claimed.expand::<Fp61>(0, len).iter().map(|element| element.to_u64()).collect(),
        "gf64" => claimed.expand::<Gf64>(0, len).iter().map(|element| element.to_bits()).collect(),
        other => panic!("no field is called {other}"),
    };
    vector.elements.iter().map(|(index, _)| (*index, word(words[*index]))).collect()
}

fn derived(vector: &KeyVector) -> String {
    let contributions = hex::decode(vector.contributions.concat()).unwrap();
    hex::encode(ComponentKey::derive(&contributions, &vector.session, vector.component).as_bytes())
}

fn accepted(vector: &ClaimVector) -> Vec<bool> {
    let mut prss = prss();
    let claims = vector.addresses.iter().map(|one| prss.claim(address(*one)).is_ok());
    claims.collect()
}

#[test]
fn the_vectors_hold() {
    let vectors: Vectors = serde_json::from_str(include_str!("../../vectors/prss.json")).unwrap();
    for vector in &vectors.component_keys {
        assert_eq!(derived(vector) == vector.key, vector.valid, "{}", vector.name);
    }
    for vector in &vectors.streams {
        assert_eq!(word(address(vector.address).stream()), vector.stream, "{}", vector.name);
        assert_eq!(words_of(vector) == vector.elements, vector.valid, "{}", vector.name);
    }
    for vector in &vectors.claims {
        assert_eq!(accepted(vector), vector.accepted, "{}", vector.name);
    }
    // Good ones and bad ones of every kind.
    for valid in [true, false] {
        assert!(vectors.component_keys.iter().any(|vector| vector.valid == valid));
        assert!(vectors.streams.iter().any(|vector| vector.valid == valid));
        assert!(vectors.claims.iter().flat_map(|vector| &vector.accepted).any(|one| *one == valid));
    }
}

/// The file of vectors, made again. `TACIT_WRITE_VECTORS=1 cargo test -p tacit-mpc-core vectors` writes it.
#[test]
fn the_file_of_vectors_is_made_again() {
    let text = format!("{}\n", serde_json::to_string_pretty(&vectors()).unwrap());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/prss.json");
    if std::env::var_os("TACIT_WRITE_VECTORS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(path).unwrap() == text,
        "vectors/prss.json is not what the code makes: a change of it is a change of the protocol"
    );
}

fn vectors() -> Vectors {
    let session = Digest::of("test", &[b"vectors"]);
    let contributions: Vec<String> = [0x11, 0x22, 0x33].map(|byte| hex::encode([byte; 32])).to_vec();
    let key_vector = |name: &str, component, count: usize| {
        let mut vector = KeyVector {
            name: name.to_owned(),
            valid: true,
            session,
            component,
            contributions: contributions[..count].to_vec(),
            key: String::new(),
        };
        vector.key = derived(&vector);
        vector
    };
    let wrong = |name: &str, alter: &dyn Fn(&mut KeyVector)| {
        let mut vector = key_vector(name, 0, 2);
        vector.valid = false;
        alter(&mut vector);
        vector
    };
    let component_keys = vec![
        key_vector("two holders, component 0", 0, 2),
        key_vector("two holders, component 2", 2, 2),
        key_vector("three holders, component 9", 9, 3),
        wrong("contributions in another order", &|vector| vector.contributions.reverse()),
        wrong("another component", &|vector| vector.component = 1),
        wrong("another session", &|vector| vector.session = Digest::of("test", &[b"other"])),
        wrong("a contribution is missing", &|vector| drop(vector.contributions.pop())),
    ];
    let key = &component_keys[0].key;
    let stream = |name: &str, field: &str, step, owner| {
        let one = AddressVector { step, owner };
        let mut vector = StreamVector {
            name: name.to_owned(),
            valid: true,
            key: key.clone(),
            field: field.to_owned(),
            address: one,
            stream: word(address(one).stream()),
            elements: [0, 1, 2, 3, 511, 512, 999].map(|index| (index, String::new())).to_vec(),
        };
        vector.elements = words_of(&vector);
        vector
    };
    let mut wrong_key = stream("the key of another component", "fp61", 7, 0x02);
    wrong_key.valid = false;
    wrong_key.key.clone_from(&component_keys[1].key);
    let mut wrong_step = stream("the elements of another step", "fp61", 7, 0x02);
    wrong_step.valid = false;
    wrong_step.address.step = 8;
    wrong_step.stream = word(address(wrong_step.address).stream());
    let streams = vec![
        stream("what node 2 reshares in F_p in step 7", "fp61", 7, 0x02),
        stream("what node 2 reshares in GF(2^64) in step 7", "gf64", 7, 0x82),
        stream("a random sharing in F_p in step 0", "fp61", 0, 0xff),
        stream("a random sharing in GF(2^64) in the last step", "gf64", u32::MAX, 0xff),
        wrong_key,
        wrong_step,
    ];
    let claim = |name: &str, addresses: &[(u32, u8)]| {
        let mut vector = ClaimVector {
            name: name.to_owned(),
            addresses: addresses
                .iter()
                .map(|(step, owner)| AddressVector {
                    step: *step,
                    owner: *owner,
                })
                .collect(),
            accepted: Vec::new(),
        };
        vector.accepted = accepted(&vector);
        vector
    };
    let claims = vec![
        claim("different addresses", &[(1, 0x00), (1, 0x01), (1, 0x80), (1, 0xff), (2, 0x00)]),
        claim("an address is used again", &[(1, 0x00), (2, 0x00), (1, 0x00)]),
        claim("a random sharing is used again", &[(3, 0xff), (3, 0xff)]),
    ];
    Vectors {
        component_keys,
        streams,
        claims,
    }
}
