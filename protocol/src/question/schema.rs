//! The OpenAPI schema of a question.
//!
//! The derived one would be "the kind's schema and an object with the field `kind`", which no value matches: the kind's
//! schema allows no further field.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema};
use utoipa::openapi::{RefOr, Type};
use utoipa::{PartialSchema, ToSchema};

use super::{Categorical, Question};

/// The schema of one kind with the field `kind` in front.
fn tagged<K: PartialSchema>(kind: &str, what: &str) -> Schema {
    let RefOr::T(Schema::Object(mut object)) = K::schema() else {
        unreachable!("a kind of question is a struct");
    };
    object.description = Some(what.to_owned());
    let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([kind])).build();
    object.properties.insert("kind".to_owned(), RefOr::T(Schema::Object(name)));
    object.required.push("kind".to_owned());
    Schema::Object(object)
}

impl PartialSchema for Question {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(tagged::<Categorical>("categorical", "One of the classes."))
            .description(Some("What is asked of each item."))
            .into()
    }
}

impl ToSchema for Question {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Question")
    }
}
