//! The routes: one for every file, and nothing else.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::files::{self, PageFile};
use crate::headers;

/// The path of the list of digests, by which copies of the page are compared.
pub const MANIFEST: &str = "/MANIFEST";

/// Where the page looks for the cluster file of whoever serves it.
const CLUSTER: &str = "/cluster.toml";

/// Serves the page, and the cluster file beside it if there is one: whoever takes the page from a host takes the cluster file from it too.
/// `encrypted` says that connections are.
pub fn router(cluster: Option<Bytes>, encrypted: bool) -> Router {
    let answer = move |method: Method, uri: Uri, asked: HeaderMap| async move {
        let is_worker = files::find(uri.path()).is_some_and(|file| file.is_worker);
        let mut response = answer(&method, uri.path(), &asked, cluster);
        headers::add(response.headers_mut(), is_worker, encrypted);
        response
    };
    Router::new().fallback(answer)
}

fn answer(method: &Method, path: &str, asked: &HeaderMap, cluster: Option<Bytes>) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return (
            StatusCode::METHOD_NOT_ALLOWED,
            [("allow", "GET, HEAD")],
            "this server only has files to read\n",
        )
            .into_response();
    }
    match (files::find(path), cluster) {
        (Some(file), _) => file.answer(asked),
        (None, Some(cluster)) if path == CLUSTER => {
            let headers = [(CACHE_CONTROL, "no-cache"), (CONTENT_TYPE, "application/toml")];
            (headers, cluster).into_response()
        }
        (None, _) => (StatusCode::NOT_FOUND, "there is no such file; the page is at /\n").into_response(),
    }
}

impl PageFile {
    fn answer(self, asked: &HeaderMap) -> Response {
        // A file that may change is asked for each time, and answered with a tag if it has not.
        let cache = if self.never_changes {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        // Weak, as it is the same whether the answer is compressed or not.
        let tag = format!("W/\"{}\"", self.digest);
        let caching = [
            (CACHE_CONTROL, cache.to_owned()),
            (ETAG, tag.clone()),
            (VARY, "accept-encoding".to_owned()),
        ];
        let has_it = asked.get_all(IF_NONE_MATCH).iter().any(|tags| {
            let tags = tags.to_str().unwrap_or_default();
            tags.split(',')
                .any(|known| known.trim().trim_start_matches("W/") == tag.trim_start_matches("W/"))
        });
        if has_it {
            return (StatusCode::NOT_MODIFIED, caching).into_response();
        }
        let kind = [(CONTENT_TYPE, self.media_type)];
        match self.gzip {
            Some(gzip) if takes_gzip(asked) => (caching, kind, [(CONTENT_ENCODING, "gzip")], Body::from(gzip)).into_response(),
            _ => (caching, kind, Body::from(self.bytes)).into_response(),
        }
    }
}

/// Whether whoever asks can read what is compressed with gzip.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let named = |coding: &str| {
        let mut parts = coding.split(';').map(str::trim);
        // A weight of zero refuses the coding; any other accepts it.
        let accepted = |weight: &str| weight.strip_prefix("q=").and_then(|weight| weight.parse().ok()) != Some(0.0_f32);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip")) && parts.all(accepted)
    };
    asked
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|codings| codings.to_str().ok())
        .any(|codings| codings.split(',').any(named))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use axum::http::Request;
    use axum::http::header::CONTENT_SECURITY_POLICY;
    use tower::ServiceExt;

    use super::*;

    async fn ask(method: Method, path: &str, header: Option<(&str, &str)>) -> (StatusCode, HeaderMap, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let response = router(Some(Bytes::from_static(b"name")), false)
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        (
            parts.status,
            parts.headers,
            axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec(),
        )
    }

    #[tokio::test]
    async fn every_file_is_served_as_it_is_with_its_type() {
        for (name, bytes, ..) in files::FILES {
            let (status, headers, body) = ask(Method::GET, &format!("/{name}"), None).await;
            assert_eq!((status, body.as_slice()), (StatusCode::OK, *bytes), "{name}");
            assert!(
                headers[CONTENT_SECURITY_POLICY]
                    .to_str()
                    .unwrap()
                    .contains("frame-ancestors 'none'")
            );
            let kind = headers[CONTENT_TYPE].to_str().unwrap();
            assert_eq!(kind.starts_with("text/javascript"), name.ends_with(".js"), "{name}: {kind}");
        }
        let (_, headers, body) = ask(Method::GET, "/", None).await;
        assert!(headers[CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
        assert_eq!(body, ask(Method::GET, "/index.html", None).await.2);
    }

    /// The page has its policy for hosts that send no headers; both must say the same.
    #[tokio::test]
    async fn the_policy_is_that_of_the_page_and_that_nobody_frames_it() {
        let (_, headers, body) = ask(Method::GET, "/", None).await;
        let header = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        let own = header.strip_suffix("; frame-ancestors 'none'").unwrap();
        assert!(String::from_utf8(body).unwrap().contains(&format!("content=\"{own}\"")), "{own}");
    }

    #[tokio::test]
    async fn what_a_browser_has_is_not_sent_again() {
        let (_, headers, _) = ask(Method::GET, MANIFEST, None).await;
        let tag = headers[ETAG].to_str().unwrap().to_owned();
        for tags in [tag.clone(), format!("\"other\", {tag}"), tag.replace("W/", "")] {
            let (status, headers, body) = ask(Method::GET, MANIFEST, Some(("if-none-match", &tags))).await;
            assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
            assert_eq!(headers[ETAG].to_str().unwrap(), tag);
        }
        let (status, ..) = ask(Method::GET, MANIFEST, Some(("if-none-match", "\"other\""))).await;
        assert_eq!(status, StatusCode::OK);
    }

    #[tokio::test]
    async fn the_cluster_file_stands_beside_the_page() {
        let (status, headers, body) = ask(Method::GET, CLUSTER, None).await;
        assert_eq!((status, body.as_slice()), (StatusCode::OK, &b"name"[..]));
        assert_eq!(headers[CONTENT_TYPE], "application/toml");
        let request = Request::builder().uri(CLUSTER).body(Body::empty()).unwrap();
        assert_eq!(router(None, false).oneshot(request).await.unwrap().status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn files_are_compressed_for_those_who_can_read_that() {
        for (name, bytes, ..) in files::FILES {
            let path = format!("/{name}");
            let (_, headers, body) = ask(Method::GET, &path, Some(("accept-encoding", "br, gzip;q=0.8"))).await;
            assert_eq!(headers[CONTENT_ENCODING], "gzip", "{name}");
            assert_eq!(headers[VARY], "accept-encoding", "{name}");
            assert!(body.len() < bytes.len(), "{name}");
            let mut whole = Vec::new();
            flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut whole).unwrap();
            assert_eq!(whole, *bytes, "{name}");
        }
        for refused in ["identity", "gzip;q=0", "br, x-gzip2"] {
            let (_, headers, body) = ask(Method::GET, "/", Some(("accept-encoding", refused))).await;
            assert!(!headers.contains_key(CONTENT_ENCODING), "{refused}");
            assert_eq!(headers[VARY], "accept-encoding", "{refused}");
            assert_eq!(body, ask(Method::GET, "/index.html", None).await.2, "{refused}");
        }
    }

    /// A worker takes its policy from the headers of its script. The one with the keys must not be able to send them anywhere.
    #[tokio::test]
    async fn workers_reach_nobody_but_the_host_of_their_module() {
        let (mut workers, mut others) = (0, 0);
        for (name, ..) in files::FILES {
            let (_, headers, _) = ask(Method::GET, &format!("/{name}"), None).await;
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            let is_worker = name.contains("worker-") || *name == "sw.js";
            assert_eq!(policy.contains("connect-src 'self';"), is_worker, "{name}: {policy}");
            *(if is_worker { &mut workers } else { &mut others }) += 1;
        }
        // Contributors', buyers', and the one that keeps the version.
        assert!(workers >= 3 && others > 0, "{workers} {others}");
    }

    #[tokio::test]
    async fn nothing_else_is_there_and_nothing_can_be_written() {
        for path in [
            "/other",
            "/..",
            "/../Cargo.toml",
            "/%2e%2e/Cargo.toml",
            "//index.html",
            "/assets",
            "/index.html/",
        ] {
            assert_eq!(ask(Method::GET, path, None).await.0, StatusCode::NOT_FOUND, "{path}");
        }
        let (status, headers, _) = ask(Method::POST, "/", None).await;
        assert_eq!(
            (status, headers["allow"].to_str().unwrap()),
            (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD")
        );
        assert!(headers.contains_key(CONTENT_SECURITY_POLICY));
    }

    /// The list of digests is of exactly the files that are served: what a person compares is what runs.
    #[tokio::test]
    async fn the_manifest_lists_the_digest_of_every_file() {
        let (.., manifest) = ask(Method::GET, MANIFEST, None).await;
        let manifest = String::from_utf8(manifest).unwrap();
        let listed: Vec<&str> = manifest.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
        let wanted: Vec<String> = files::FILES
            .iter()
            .filter(|(name, ..)| *name != "MANIFEST")
            .map(|(name, .., digest)| format!("{digest}  {name}"))
            .collect();
        assert_eq!(listed, wanted);
    }
}
