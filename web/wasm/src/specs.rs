//! A buyer's spec: from its file and the files it names, or from a form.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use tacit_client::files::FileError;
use tacit_client::spec;
use tacit_protocol::job::JobSpec;
use wasm_bindgen::prelude::*;

use crate::error::{Code, Failure, as_code};
use crate::values::job_id;

/// The name of a spec that comes from a form, in messages.
const FORM: &str = "spec.json";

/// A spec and the files that it names.
#[wasm_bindgen]
#[derive(Default)]
pub struct SpecFiles(BTreeMap<PathBuf, Vec<u8>>);

/// A spec that was read.
#[wasm_bindgen]
pub struct Spec(spec::Spec);

#[wasm_bindgen]
impl SpecFiles {
    /// No files yet.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file under the name by which the spec names it.
    pub fn add(&mut self, name: &str, bytes: Vec<u8>) {
        self.0.insert(name.into(), bytes);
    }

    /// Reads the spec of this name with the files that it names. Throws `spec_file`.
    pub fn read(&self, name: &str) -> Result<Spec, Failure> {
        let spec = spec::load_with(Path::new(name), |path| self.file(path)).map_err(as_code(Code::SpecFile))?;
        Ok(Spec(spec))
    }
}

impl SpecFiles {
    /// A file by its path, or else by its name alone: whoever chooses files in a browser gives no folders.
    fn file(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        let by_name = || path.file_name().and_then(|name| self.0.get(Path::new(name)));
        let found = self.0.get(path).or_else(by_name);
        found
            .cloned()
            .ok_or_else(|| FileError::new(path, &Error::from(ErrorKind::NotFound)))
    }
}

#[wasm_bindgen]
impl Spec {
    /// Reads the JSON text of a spec. Throws `spec_file`.
    #[wasm_bindgen(js_name = fromJson)]
    pub fn from_json(json: &str) -> Result<Self, Failure> {
        let mut files = SpecFiles::new();
        files.add(FORM, json.as_bytes().to_vec());
        files.read(FORM)
    }

    /// The spec as JSON, with its items.
    #[wasm_bindgen(js_name = toJson)]
    pub fn to_json(&self) -> Result<String, Failure> {
        serde_json::to_string_pretty(&self.0.job).map_err(as_code(Code::SpecFile))
    }

    /// The name of the file of gold answers, if the spec names one.
    #[wasm_bindgen(getter, js_name = goldFile)]
    pub fn gold_file(&self) -> Option<String> {
        self.0.gold.as_ref().map(|path| path.display().to_string())
    }

    /// Checks every field, before there is a cluster to sign it for. Throws `job_id`, `job`.
    pub fn check(&self, id: &str) -> Result<(), Failure> {
        self.0.job.clone().check(job_id(id)?).map_err(as_code(Code::Job))
    }
}

impl Spec {
    pub(crate) fn job(&self) -> &JobSpec {
        &self.0.job
    }
}
