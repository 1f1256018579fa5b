//! The files of the page, as they were when this program was built.

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// One file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageFile {
    pub(crate) bytes: &'static [u8],
    /// The same compressed with gzip, if that is shorter.
    pub(crate) gzip: Option<&'static [u8]>,
    /// Its SHA-256 in hexadecimal.
    pub(crate) digest: &'static str,
    pub(crate) media_type: &'static str,
    /// Whether its name has a digest of its content, so that it never changes.
    pub(crate) never_changes: bool,
    /// Whether it is the script of a worker, which has a policy of its own.
    pub(crate) is_worker: bool,
}

/// The file at this path of a URL; a folder's path is that of its `index.html`.
pub(crate) fn find(path: &str) -> Option<PageFile> {
    let path = path.strip_prefix('/')?;
    let path = if path.is_empty() { "index.html" } else { path };
    let place = FILES.binary_search_by(|(name, ..)| (*name).cmp(path)).ok()?;
    let (name, bytes, gzip, digest) = FILES[place];
    Some(PageFile {
        bytes,
        gzip: (gzip.len() < bytes.len()).then_some(gzip),
        digest,
        media_type: media_type(name),
        never_changes: name.starts_with("assets/"),
        is_worker: is_worker(name),
    })
}

/// Whether a file is the script of a worker: that with the keys, or the one that keeps the page's version.
fn is_worker(name: &str) -> bool {
    let script = name.strip_prefix("assets/").and_then(|rest| rest.strip_suffix(".js"));
    name == "sw.js" || script.is_some_and(|script| script.contains("worker-"))
}

/// Browsers run a script and compile WebAssembly only under these types.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        _ => "text/plain; charset=utf-8",
    }
}
