//! The page on which contributors answer and buyers follow their jobs, and a router that serves it.
//!
//! The files are those of `web/dist`. Whoever serves them can change them, so each of a cluster's operators may serve its own copy, and the
//! coordinator needs to serve none: `docs/security/page.md` says what that leaves. The router keeps no state, sets no cookie, and reads
//! nothing of a request but its path, the tag of what the browser has, and whether it reads gzip. [`Limits`] are what one server lets in.

mod files;
mod headers;
mod limits;
mod router;

pub use limits::Limits;
pub use router::{MANIFEST, router};
