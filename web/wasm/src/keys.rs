//! Keys of contributors and buyers, as handles, and names.

use js_sys::Uint8Array;
use tacit_program::key_file;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::name::{NAME_RULE, is_name};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use crate::error::{Code, Failure};

/// An Ed25519 secret key. It stays in the module's memory; `free()` overwrites it.
#[wasm_bindgen]
pub struct Key(SecretKey);

#[wasm_bindgen]
impl Key {
    /// A new key.
    pub fn generate() -> Self {
        Self(SecretKey::generate(&mut rand::rng()))
    }

    /// Reads the bytes of a key file, as `tacit keygen` writes it, and overwrites this copy of them. Throws `key_file`.
    #[wasm_bindgen(js_name = fromFile)]
    pub fn from_file(file: Vec<u8>) -> Result<Self, Failure> {
        let file = Zeroizing::new(file);
        let text = str::from_utf8(&file).ok();
        let seed = text.and_then(key_file::parse_seed).ok_or_else(|| {
            let message = "this is not a key file: it should hold 64 hexadecimal digits; choose another file, or copy it again, whole";
            Failure::new(Code::KeyFile, message)
        })?;
        Ok(Self(SecretKey::from_bytes(&seed)))
    }

    /// The bytes of the key file, which the caller overwrites after use: a text could not be. Nothing of them stays in the module's memory.
    #[wasm_bindgen(js_name = toFile)]
    pub fn to_file(&self) -> Uint8Array {
        Uint8Array::from(key_file::seed_text("", &self.0.to_bytes()).as_bytes())
    }

    /// The public key.
    #[wasm_bindgen(getter, js_name = publicKey)]
    pub fn public_key(&self) -> String {
        self.0.public().to_string()
    }
}

impl Key {
    pub(crate) fn new(key: SecretKey) -> Self {
        Self(key)
    }

    pub(crate) fn inner(&self) -> &SecretKey {
        &self.0
    }
}

/// Checks that a name can be a contributor's. Throws `name`.
#[wasm_bindgen(js_name = checkName)]
pub fn check_name(name: &str) -> Result<(), Failure> {
    if is_name(name) {
        Ok(())
    } else {
        Err(Failure::new(Code::Name, format_args!("the name {NAME_RULE}")))
    }
}
