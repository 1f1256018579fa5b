//! What a name may be: of a job, an item, a class or a contributor.

/// The longest name, in bytes.
pub const MAX_NAME: usize = 256;

/// Whether a text can be a name: 1 to [`MAX_NAME`] bytes without control characters.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME && !text.chars().any(char::is_control)
}

/// What is wrong with a text that is no name, to follow the name of its field in a message.
pub(crate) fn name_problem() -> String {
    format!("must be 1 to {MAX_NAME} bytes without control characters")
}
