//! What stands above a key in its file: comments that say when it was made, and for what.

/// The line that `tacit demo` puts into every file it makes with keys or hashed tokens in it, so that a check can tell it from one that
/// operators made.
pub const DEMO_MARK: &str = "# Made by `tacit demo`: for trying out only.";

const MADE: &str = "# made ";

/// The heading of a key made at this time, in RFC 3339.
pub fn heading(made: &str, demo: bool) -> String {
    let mark = if demo { format!("{DEMO_MARK}\n") } else { String::new() };
    format!("{mark}{MADE}{made}\n")
}

/// What follows the heading of a file.
pub fn below(text: &str) -> &str {
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n')
        && line.starts_with('#')
    {
        rest = after;
    }
    rest
}

/// When the key below a heading was made, if that says it.
pub fn made(text: &str) -> Option<&str> {
    let heading = &text[..text.len() - below(text).len()];
    heading.lines().find_map(|line| line.strip_prefix(MADE))
}

/// Whether a file is marked as a demo's.
pub fn is_of_demo(text: &str) -> bool {
    text.lines().take_while(|line| line.starts_with('#')).any(|line| line == DEMO_MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_say_when_and_for_what() {
        for demo in [false, true] {
            let text = heading("2026-11-24T03:00:00Z", demo) + "c0ffee\n";
            assert_eq!((made(&text), below(&text)), (Some("2026-11-24T03:00:00Z"), "c0ffee\n"));
            assert_eq!(is_of_demo(&text), demo);
        }
        assert_eq!((made("c0ffee\n"), below("c0ffee\n")), (None, "c0ffee\n"));
        assert_eq!((made("# made x"), below("# made x")), (None, "# made x"));
        assert!(!is_of_demo(&format!("c0ffee\n{DEMO_MARK}\n")));
    }
}
