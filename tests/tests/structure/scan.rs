//! What one module's source names: its child modules, its own items, its imports, and every path. It works on Rust's tokens, so comments and strings do not
//! count, and macro arguments do.

use std::iter::Peekable;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A path as it is written, `crate`, `self` and `super` included. A glob ends in `*`.
pub type Path = Vec<String>;

/// A name that a `use` brings into a module.
#[derive(Debug, PartialEq)]
pub struct Import {
    /// The name in this module; `*` for a glob, `_` for a trait without a name.
    pub name: String,
    pub path: Path,
    /// Whether it is passed on: `pub use`, also `pub(crate) use`.
    pub public: bool,
}

/// A child module.
#[derive(Debug)]
pub struct Child {
    pub name: String,
    /// What `#[path]` says.
    pub file: Option<String>,
    /// The contents, if they are written here and not in a file.
    pub inline: Option<Module>,
}

/// One module without what only tests compile.
#[derive(Debug, Default)]
pub struct Module {
    pub children: Vec<Child>,
    /// Names of the items it defines.
    pub items: Vec<String>,
    pub imports: Vec<Import>,
    /// All other paths, also those of one segment.
    pub paths: Vec<Path>,
}

/// Reads a file.
pub fn module(source: &str) -> Module {
    let tokens = source.parse().unwrap();
    let mut module = Module::default();
    read(tokens, &mut module, true);
    module
}

fn is(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

/// The attribute's text without spaces, for example `cfg(test)`.
fn text(attribute: &Group) -> String {
    attribute.stream().to_string().replace(' ', "")
}

fn only_in_tests(attribute: &str) -> bool {
    attribute == "cfg(test)" || attribute.starts_with("cfg(all(test,") || attribute == "test"
}

/// Skips the item, statement or field after an attribute: everything to its first block or its end.
fn skip_one(tokens: &mut Peekable<IntoIter>) {
    // Of `<` that are open: a comma between type arguments ends nothing.
    let (mut depth, mut arrow) = (0_u32, false);
    for token in tokens {
        let TokenTree::Punct(punct) = token else {
            if matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace) {
                break;
            }
            continue;
        };
        match punct.as_char() {
            ';' => break,
            ',' if depth == 0 => break,
            '<' => depth += 1,
            '>' if !arrow => depth = depth.saturating_sub(1),
            _ => {}
        }
        arrow = ['-', '='].contains(&punct.as_char());
    }
}

/// Reads tokens into a module. `outer` says whether they stand in the module itself, not in one of its blocks.
fn read(tokens: TokenStream, module: &mut Module, outer: bool) {
    let mut tokens = tokens.into_iter().peekable();
    let (mut public, mut file) = (false, None);
    // Of the token before: a `.` makes a field or method of a name.
    let mut after_dot = false;
    while let Some(token) = tokens.next() {
        let dot = std::mem::take(&mut after_dot);
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                if is(tokens.peek(), '!') {
                    tokens.next();
                }
                let Some(TokenTree::Group(attribute)) = tokens.next() else {
                    continue;
                };
                let attribute = text(&attribute);
                if only_in_tests(&attribute) {
                    skip_one(&mut tokens);
                    (public, file) = (false, None);
                } else if let Some(path) = attribute.strip_prefix("path=") {
                    file = Some(path.trim_matches('"').to_owned());
                }
            }
            // A lifetime: the name, perhaps `static`, is no path.
            TokenTree::Punct(punct) if punct.as_char() == '\'' => drop(tokens.next()),
            TokenTree::Punct(punct) => after_dot = punct.as_char() == '.',
            TokenTree::Ident(ident) => match ident.to_string().as_str() {
                "pub" => {
                    public = true;
                    // `pub(crate)` names nothing.
                    if matches!(tokens.peek(), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis) {
                        tokens.next();
                    }
                }
                "use" if !is(tokens.peek(), '<') => {
                    let mut tree = TokenStream::new();
                    tree.extend(tokens.by_ref().take_while(|token| !is(Some(token), ';')));
                    imports(tree, &Path::new(), std::mem::take(&mut public), &mut module.imports);
                }
                "mod" => {
                    let Some(TokenTree::Ident(name)) = tokens.next() else { continue };
                    let inline = match tokens.next() {
                        Some(TokenTree::Group(contents)) => {
                            let mut inner = Module::default();
                            read(contents.stream(), &mut inner, true);
                            Some(inner)
                        }
                        _ => None,
                    };
                    module.children.push(Child {
                        name: name.to_string(),
                        file: file.take(),
                        inline,
                    });
                    public = false;
                }
                "struct" | "enum" | "union" | "trait" | "type" | "fn" | "static" | "const" | "macro_rules" => {
                    public = false;
                    while is(tokens.peek(), '!')
                        || matches!(tokens.peek(), Some(TokenTree::Ident(word)) if *word == "fn" || *word == "unsafe")
                    {
                        tokens.next();
                    }
                    if let Some(TokenTree::Ident(name)) = tokens.peek() {
                        if outer {
                            module.items.push(name.to_string());
                        }
                        tokens.next();
                    }
                }
                name if !dot => {
                    let path = path(name, &mut tokens);
                    module.paths.push(path);
                }
                _ => {}
            },
            TokenTree::Group(group) => read(group.stream(), module, false),
            TokenTree::Literal(_) => {}
        }
    }
}

/// A pair of colons, taken if it is there.
fn colons(tokens: &mut Peekable<IntoIter>) -> bool {
    is(tokens.peek(), ':') && {
        // One colon alone introduces a type.
        let mut ahead = tokens.clone();
        ahead.next();
        let both = is(ahead.peek(), ':');
        if both {
            tokens.nth(1);
        }
        both
    }
}

/// The rest of a path that begins with `first`.
fn path(first: &str, tokens: &mut Peekable<IntoIter>) -> Path {
    let mut path = vec![first.to_owned()];
    while colons(tokens) {
        match tokens.peek() {
            Some(TokenTree::Ident(segment)) => path.push(segment.to_string()),
            // Type arguments.
            _ => break,
        }
        tokens.next();
    }
    path
}

/// The names of a `use` tree.
fn imports(tree: TokenStream, prefix: &Path, public: bool, found: &mut Vec<Import>) {
    let mut tokens = tree.into_iter().peekable();
    while tokens.peek().is_some() {
        let mut path = prefix.clone();
        let mut name = None;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(word) if word == "as" => name = tokens.next().map(|name| name.to_string()),
                TokenTree::Ident(segment) => path.push(segment.to_string()),
                TokenTree::Group(group) => {
                    imports(group.stream(), &path, public, found);
                    path.clear();
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' => path.push("*".to_owned()),
                TokenTree::Punct(punct) if punct.as_char() == ',' => break,
                _ => {}
            }
        }
        // `a::{self}` imports `a`.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        if let Some(last) = path.last() {
            found.push(Import {
                name: name.unwrap_or_else(|| last.clone()),
                path,
                public,
            });
        }
    }
}
