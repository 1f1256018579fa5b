//! Lists the files of `web/dist` with their digests, so that the programs contain them. They contain them compressed too: whoever asks for
//! the page a thousand times then has nothing compressed a thousand times.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

fn main() -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?);
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    list(&dist, &mut files)?;
    files.sort();
    let mut code = String::from("pub(crate) static FILES: &[(&str, &[u8], &[u8], &str)] = &[\n");
    for (number, file) in files.into_iter().enumerate() {
        println!("cargo::rerun-if-changed={}", file.display());
        let path = file
            .strip_prefix(&dist)
            .map_err(io::Error::other)?
            .to_string_lossy()
            .replace('\\', "/");
        let bytes = fs::read(&file)?;
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let compressed = out.join(format!("{number}.gz"));
        let mut encoder = GzEncoder::new(fs::File::create(&compressed)?, Compression::best());
        encoder.write_all(&bytes)?;
        encoder.finish()?;
        let (file, compressed) = (file.to_string_lossy(), compressed.to_string_lossy());
        writeln!(
            code,
            "    ({path:?}, include_bytes!({file:?}), include_bytes!({compressed:?}), {digest:?}),"
        )
        .map_err(io::Error::other)?;
    }
    code.push_str("];\n");
    fs::write(out.join("files.rs"), code)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
