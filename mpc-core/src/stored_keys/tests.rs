//! The test vectors of `vectors/stored_keys.json`.

use super::*;
use serde::{Deserialize, Serialize};

/// The file `vectors/stored_keys.json`; `vectors/README.md` describes it.
#[derive(Serialize, Deserialize)]
struct Vectors {
    keys: Vec<KeyVector>,
    streams: Vec<StreamVector>,
}

#[derive(Serialize, Deserialize)]
struct KeyVector {
    name: String,
    valid: bool,
    session_key: String,
    inputs: Digest,
    component: Component,
    key: String,
    digest: Digest,
}

#[derive(Serialize, Deserialize)]
struct StreamVector {
    name: String,
    valid: bool,
    key: String,
    purpose: String,
    words: Vec<String>,
}

fn key(hexadecimal: &str) -> ComponentKey {
    ComponentKey::new(hex::decode(hexadecimal).unwrap().try_into().unwrap())
}

fn derived(vector: &KeyVector) -> (String, Digest) {
    let prss = Prss::new(vec![key(&vector.session_key)]);
    let key = StoredKeys::fresh(&prss, &vector.inputs, &[vector.component]).remove(0);
    (hex::encode(key.as_bytes()), key_digest(&key, vector.component))
}

fn words(vector: &StreamVector) -> Vec<String> {
    let key = key(&vector.key);
    let keys = StoredKeys::new(&[0], Digest::from_bytes([0; 32]), vec![key_digest(&key, 0)], vec![key]).unwrap();
    keys.words(0, &vector.purpose, vector.words.len())
        .iter()
        .map(|word| format!("{word:016x}"))
        .collect()
}

#[test]
fn the_vectors_hold() {
    let vectors: Vectors = serde_json::from_str(include_str!("../../vectors/stored_keys.json")).unwrap();
    for vector in &vectors.keys {
        assert_eq!(
            derived(vector) == (vector.key.clone(), vector.digest),
            vector.valid,
            "{}",
            vector.name
        );
    }
    for vector in &vectors.streams {
        assert_eq!(words(vector) == vector.words, vector.valid, "{}", vector.name);
    }
    for valid in [true, false] {
        assert!(vectors.keys.iter().any(|vector| vector.valid == valid));
        assert!(vectors.streams.iter().any(|vector| vector.valid == valid));
    }
}

/// The file of vectors, made again. `TACIT_WRITE_VECTORS=1 cargo test -p tacit-mpc-core vectors` writes it.
#[test]
fn the_file_of_vectors_is_made_again() {
    let text = format!("{}\n", serde_json::to_string_pretty(&vectors()).unwrap());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/stored_keys.json");
    if std::env::var_os("TACIT_WRITE_VECTORS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(path).unwrap() == text,
        "vectors/stored_keys.json is not what the code makes: a change of it is a change of the protocol"
    );
}

fn vectors() -> Vectors {
    let key_vector = |name: &str, alter: &dyn Fn(&mut KeyVector)| {
        let mut vector = KeyVector {
            name: name.to_owned(),
            valid: true,
            session_key: hex::encode([0x11; 32]),
            inputs: Digest::of("test", &[b"vectors"]),
            component: 2,
            key: String::new(),
            digest: Digest::from_bytes([0; 32]),
        };
        (vector.key, vector.digest) = derived(&vector);
        alter(&mut vector);
        vector.valid = derived(&vector) == (vector.key.clone(), vector.digest);
        vector
    };
    let stream = |name: &str, alter: &dyn Fn(&mut StreamVector)| {
        let mut vector = StreamVector {
            name: name.to_owned(),
            valid: true,
            key: hex::encode([0x22; 32]),
            purpose: "class_totals".to_owned(),
            words: vec![String::new(); 5],
        };
        vector.words = words(&vector);
        alter(&mut vector);
        vector.valid = words(&vector) == vector.words;
        vector
    };
    Vectors {
        keys: vec![
            key_vector("a key of component 2", &|_| {}),
            key_vector("another component", &|vector| vector.component = 1),
            key_vector("other inputs", &|vector| vector.inputs = Digest::of("test", &[b"other"])),
            key_vector("another session", &|vector| vector.session_key = hex::encode([0x12; 32])),
            key_vector("another digest", &|vector| vector.digest = Digest::of("test", &[b"digest"])),
        ],
        streams: vec![
            stream("the words of one purpose", &|_| {}),
            stream("another purpose", &|vector| vector.purpose = "agreement".to_owned()),
            stream("another key", &|vector| vector.key = hex::encode([0x23; 32])),
        ],
    }
}
