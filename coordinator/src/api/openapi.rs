//! `/openapi.json`: the description of the API.

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, RefOr, Schema};

use tacit_protocol::api::ReceiptStatement;
use tacit_protocol::request_signature::SCHEME;

use super::problem::ProblemKind;
use super::unchanged::Tagged;
use crate::app::Shared;

/// The path of the description.
pub(super) const PATH: &str = "/openapi.json";

/// The description without any routes.
pub(super) fn base() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Tacit coordinator")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Takes jobs, passes sealed answers on to the nodes, and publishes certified results. Errors are RFC 9457 problem documents.",
        ))
        .build();
    let buyer = SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("a buyer's token"))
            .build(),
    );
    let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
        "Authorization",
        &format!("a key that has signed the request: `{SCHEME} key=HEX, created=UNIX_SECONDS, signature=HEX`"),
    )));
    OpenApiBuilder::new()
        .info(info)
        .components(Some(
            ComponentsBuilder::new()
                // A receipt is generic, and names the schema of its value only.
                .schema_from::<ReceiptStatement>()
                .security_scheme("buyer", buyer)
                .security_scheme("key", key)
                .build(),
        ))
        .build()
}

/// Lists all problem types in the schema of the problem document.
fn list_problem_types(description: &mut OpenApi) {
    let schemas = description.components.as_mut().map(|components| &mut components.schemas);
    if let Some(RefOr::T(Schema::Object(problem))) = schemas.and_then(|schemas| schemas.get_mut("Problem"))
        && let Some(RefOr::T(Schema::Object(kind))) = problem.properties.get_mut("type")
    {
        kind.enum_values = Some(ProblemKind::ALL.map(|kind| kind.uri().into()).into());
    }
}

/// The route that serves the description. Its text is made once: the description itself is a tree of several hundred kilobytes.
///
/// # Errors
/// It cannot be written as JSON.
pub(super) fn router(mut description: OpenApi) -> serde_json::Result<Router<Shared>> {
    list_problem_types(&mut description);
    let text = Tagged::new(serde_json::to_vec(&description)?);
    Ok(Router::new().route(PATH, get(async move |headers: HeaderMap| text.answer(&headers))))
}
