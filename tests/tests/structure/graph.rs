//! The files of a crate, which of them import which, and the cycles in that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::scan::{self, Import, Module};

/// A module: its path in the crate, its file, and what the file says of it.
struct Node {
    file: PathBuf,
    source: Module,
}

/// All modules of a crate, by path; the crate's root has the empty path.
pub struct Crate {
    modules: BTreeMap<Vec<String>, Node>,
    /// Folders of files; `a.rs` and `a/mod.rs` both belong to the folder `a`, if `a` has children in files.
    folders: BTreeMap<PathBuf, PathBuf>,
}

/// Which file imports which, and the names it imports.
pub type Arrows = BTreeMap<(PathBuf, PathBuf), BTreeSet<String>>;

impl Crate {
    /// Reads a crate, from the file of its root on. Files that only tests compile are not read.
    pub fn read(root: &Path) -> Self {
        let mut this = Self {
            modules: BTreeMap::new(),
            folders: BTreeMap::new(),
        };
        let folder = root.parent().unwrap().to_owned();
        this.folders.insert(root.to_owned(), folder.clone());
        let source = scan::module(&std::fs::read_to_string(root).unwrap());
        this.add(Vec::new(), root.to_owned(), &folder, source);
        this
    }

    /// Adds a module and those in it; `folder` is where the files of its children are.
    fn add(&mut self, path: Vec<String>, file: PathBuf, folder: &Path, mut source: Module) {
        for child in &mut source.children {
            let mut of_child = path.clone();
            of_child.push(child.name.clone());
            let folder_of_child = folder.join(&child.name);
            if let Some(inline) = child.inline.take() {
                self.add(of_child, file.clone(), &folder_of_child, inline);
                continue;
            }
            let candidates = match &child.file {
                Some(named) => vec![file.parent().unwrap().join(named)],
                None => vec![folder.join(format!("{}.rs", child.name)), folder_of_child.join("mod.rs")],
            };
            let found = candidates.iter().find(|candidate| candidate.exists());
            let found = found.unwrap_or_else(|| panic!("none of {candidates:?} exists")).clone();
            let source = scan::module(&std::fs::read_to_string(&found).unwrap());
            let has_files = source.children.iter().any(|child| child.inline.is_none());
            let own = if has_files || found.ends_with("mod.rs") {
                folder_of_child.clone()
            } else {
                found.parent().unwrap().to_owned()
            };
            self.folders.insert(found.clone(), own);
            self.add(of_child, found, &folder_of_child, source);
        }
        self.modules.insert(path, Node { file, source });
    }

    /// The file that a path means, as written in a module: where the item is defined that it names, through re-exports. `None` for other
    /// crates and for local names.
    fn target(&self, module: &[String], path: &[String], depth: usize) -> Option<&PathBuf> {
        // Re-exports in a circle end here.
        if depth > 16 {
            return None;
        }
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.to_owned(),
            "super" => module.split_last()?.1.to_owned(),
            name => return self.name(module, name, rest, depth),
        };
        while let Some(("super", after)) = rest.split_first().map(|(next, after)| (next.as_str(), after)) {
            at.pop()?;
            rest = after;
        }
        match rest.split_first() {
            // The module itself.
            None => Some(&self.modules.get(&at)?.file),
            Some((next, after)) => self.name(&at, next, after, depth).or_else(|| self.unless_imported(&at, next)),
        }
    }

    /// The file of a module, for a name that it has from a macro or a glob; `None` if the name is that of an import, so another crate's.
    fn unless_imported(&self, module: &[String], name: &str) -> Option<&PathBuf> {
        let node = self.modules.get(module)?;
        let imported = node.source.imports.iter().any(|import| import.name == name && name != "*");
        (!imported).then_some(&node.file)
    }

    /// The file that `name::rest` means in a module: a child's, what an import leads to, or its own if it defines the name.
    fn name(&self, module: &[String], name: &str, rest: &[String], depth: usize) -> Option<&PathBuf> {
        let node = self.modules.get(module)?;
        let child: Vec<String> = module.iter().cloned().chain([name.to_owned()]).collect();
        if let Some(found) = self.modules.get(&child) {
            return match rest.split_first() {
                Some((next, after)) => self
                    .name(&child, next, after, depth + 1)
                    .or_else(|| self.unless_imported(&child, next)),
                None => Some(&found.file),
            };
        }
        if node.source.items.iter().any(|item| item == name) {
            return Some(&node.file);
        }
        if let Some(import) = node.source.imports.iter().find(|import| import.name == name && name != "*") {
            let path: Vec<String> = import.path.iter().chain(rest).cloned().collect();
            // `use name;` and `use name::name` of another crate lead back here.
            return (path[0] != name).then(|| self.target(module, &path, depth + 1)).flatten();
        }
        let globs = node.source.imports.iter().filter(|import| import.name == "*" && import.public);
        globs.filter_map(|glob| self.in_glob(module, glob, name, depth)).next()
    }

    /// A name that a glob import brings, if its module is of this crate and has it.
    fn in_glob(&self, module: &[String], glob: &Import, name: &str, depth: usize) -> Option<&PathBuf> {
        let mut path = glob.path.clone();
        *path.last_mut()? = name.to_owned();
        let (_, of_module) = path.split_last()?;
        let file = self.target(module, of_module, depth + 1)?;
        let defines = |node: &&Node| node.file == *file && node.source.items.iter().any(|item| item == name);
        self.modules.values().find(defines).map(|node| &node.file)
    }

    /// All arrows from file to file. What a file only passes on, by `pub use`, is not an arrow of that file: whoever uses the name has an arrow
    /// to the file that defines it.
    pub fn arrows(&self) -> Arrows {
        let mut arrows = Arrows::new();
        for (module, node) in &self.modules {
            let source = &node.source;
            let used = |import: &Import| source.paths.iter().any(|path| path[0] == import.name);
            let imports = source.imports.iter().filter(|import| !import.public || used(import));
            let paths = source.paths.iter().filter(|path| path.len() > 1);
            for path in imports.map(|import| &import.path).chain(paths) {
                let path: Vec<String> = path.iter().filter(|segment| *segment != "*").cloned().collect();
                if let Some(target) = self.target(module, &path, 0)
                    && *target != node.file
                {
                    let names = arrows.entry((node.file.clone(), target.clone())).or_default();
                    // Of `Type::method` the type.
                    let is_type = |segment: &&String| segment.starts_with(char::is_uppercase);
                    names.insert(path.iter().find(is_type).or(path.last()).unwrap().clone());
                }
            }
        }
        arrows
    }

    /// The folder that a file belongs to.
    pub fn folder(&self, file: &Path) -> &Path {
        &self.folders[file]
    }

    /// Sets of files of which each imports, through others, each other, and which are not all of one folder.
    pub fn cycles(&self, arrows: &Arrows) -> Vec<BTreeSet<PathBuf>> {
        let mut cycles: Vec<BTreeSet<PathBuf>> = Vec::new();
        for start in self.folders.keys() {
            if cycles.iter().any(|cycle| cycle.contains(start)) {
                continue;
            }
            let forward = reached(start, arrows, |(from, to)| (from, to));
            let backward = reached(start, arrows, |(from, to)| (to, from));
            let cycle: BTreeSet<PathBuf> = forward.intersection(&backward).cloned().collect();
            if cycle.iter().any(|file| self.folder(file) != self.folder(start)) {
                cycles.push(cycle);
            }
        }
        cycles
    }
}

type Pair<'a> = (&'a PathBuf, &'a PathBuf);

/// What can be reached from a file along the arrows, or against them.
fn reached(start: &Path, arrows: &Arrows, direction: impl Fn(Pair<'_>) -> Pair<'_>) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::from([start.to_owned()]);
    let mut open = vec![start.to_owned()];
    while let Some(file) = open.pop() {
        for (from, to) in arrows.keys().map(|(from, to)| direction((from, to))) {
            if *from == file && found.insert(to.clone()) {
                open.push(to.clone());
            }
        }
    }
    found
}
