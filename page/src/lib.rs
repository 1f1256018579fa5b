//! The page on which contributors answer and buyers follow their jobs, and a router that serves it.
//!
//! The files are those of `web/dist`. Whoever serves them can change them, so each of a cluster's operators may serve its own copy, and the
//! coordinator needs to serve none: `docs/security/page.md` says what that leaves. The router keeps no state, sets no cookie, and reads
//! nothing of a request but its path and the tag of what the browser has.

mod files;
mod headers;
mod router;

pub use router::{MANIFEST, router};
