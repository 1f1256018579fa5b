//! The documents of the repository and the commands in them.

use std::path::Path;

/// A block of commands, and the heading above it.
#[derive(Debug)]
pub struct Block {
    /// The heading.
    pub heading: String,
    /// The lines of the block.
    pub script: String,
}

/// The text of a document, by its path in the repository.
pub fn text(document: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(document)).unwrap()
}

/// The `sh` blocks of a document.
pub fn blocks(document: &str) -> Vec<Block> {
    let (mut blocks, mut heading, mut script): (Vec<Block>, String, Option<String>) = (Vec::new(), String::new(), None);
    for line in text(document).lines() {
        match &mut script {
            Some(_) if line.trim() == "```" => blocks.extend(script.take().map(|script| Block {
                heading: heading.clone(),
                script,
            })),
            Some(script) => *script += &format!("{}\n", line.trim_start()),
            None if line.trim() == "```sh" => script = Some(String::new()),
            None if line.starts_with('#') => line.trim_start_matches(['#', ' ']).clone_into(&mut heading),
            None => {}
        }
    }
    blocks
}
