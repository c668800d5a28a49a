//! Finds every path that a source file names, `use` trees spelled out, tests left aside.

use super::tokens::{Kind, Token, cut};

/// A path as it was resolved: `crate::plan::Cursor` has the segments `crate`, `plan`, `Cursor`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Reference {
    /// The segments; `self` and `super` are resolved, the first is `crate` or the name of a crate or module.
    pub(crate) path: Vec<String>,
    /// The line that it stands on.
    pub(crate) line: u32,
}

/// What a source file names.
#[derive(Debug, Default)]
pub(crate) struct Imports {
    /// Paths of two segments and more outside of tests, and every single name that is imported.
    pub(crate) references: Vec<Reference>,
    /// Child modules that exist for tests only (`#[cfg(test)] mod tests;`).
    pub(crate) test_modules: Vec<String>,
    /// Every name outside of tests, with its line.
    pub(crate) names: Vec<(String, u32)>,
}

/// Reads a file that is the module at `module` (empty for the root of a crate).
pub(crate) fn read(source: &str, module: &[String]) -> Imports {
    let tokens = cut(source);
    let mut reader = Reader {
        tokens: &tokens,
        at: 0,
        module: module.to_vec(),
        inline: Vec::new(),
        depth: 0,
        found: Imports::default(),
    };
    while reader.at < tokens.len() {
        reader.step();
    }
    reader.found
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    /// The module that is being read, inline modules included.
    module: Vec<String>,
    /// Depths of braces at which inline modules end.
    inline: Vec<u32>,
    depth: u32,
    found: Imports,
}

impl<'a> Reader<'a> {
    fn step(&mut self) {
        if self.is_test_attribute() {
            self.skip_attribute();
            return self.skip_item();
        }
        match self.kind(0) {
            Some(Kind::Mark('{')) => {
                self.depth += 1;
                self.at += 1;
            }
            Some(Kind::Mark('}')) => {
                self.depth = self.depth.saturating_sub(1);
                if self.inline.last() == Some(&self.depth) {
                    self.inline.pop();
                    self.module.pop();
                }
                self.at += 1;
            }
            Some(Kind::Name(name)) => {
                let name = name.clone();
                self.name(&name);
            }
            Some(Kind::PathSeparator | Kind::Mark(_)) | None => self.at += 1,
        }
    }

    fn name(&mut self, name: &str) {
        match (name, self.kind(1), self.kind(2)) {
            ("use", ..) => {
                self.at += 1;
                self.use_tree(Vec::new());
            }
            ("mod", Some(Kind::Name(child)), Some(Kind::Mark('{'))) => {
                let child = child.clone();
                self.inline.push(self.depth);
                self.module.push(child);
                self.depth += 1;
                self.at += 3;
            }
            (_, Some(Kind::PathSeparator), _) => self.path(),
            _ => {
                self.note(name.to_owned());
                self.at += 1;
            }
        }
    }

    /// A path in an expression, a type or a macro.
    fn path(&mut self) {
        let line = self.line();
        let mut path = Vec::new();
        while let Some(Kind::Name(name)) = self.kind(0) {
            let name = name.clone();
            self.note(name.clone());
            path.push(name);
            self.at += 1;
            match (self.kind(0), self.kind(1)) {
                (Some(Kind::PathSeparator), Some(Kind::Name(_))) => self.at += 1,
                _ => break,
            }
        }
        self.refer(path, line);
    }

    /// What follows `use`, or stands in its braces.
    fn use_tree(&mut self, mut prefix: Vec<String>) {
        let line = self.line();
        if self.kind(0) == Some(&Kind::PathSeparator) {
            self.at += 1;
        }
        loop {
            match self.kind(0) {
                Some(Kind::Name(name)) => {
                    let name = name.clone();
                    self.note(name.clone());
                    // `use a::{self}` names `a`.
                    if name != "self" || prefix.is_empty() {
                        prefix.push(name);
                    }
                    self.at += 1;
                }
                Some(Kind::Mark('*')) => self.at += 1,
                Some(Kind::Mark('{')) => {
                    self.at += 1;
                    while !matches!(self.kind(0), Some(Kind::Mark('}')) | None) {
                        self.use_tree(prefix.clone());
                        if self.kind(0) == Some(&Kind::Mark(',')) {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                Some(Kind::PathSeparator | Kind::Mark(_)) | None => {
                    // Always moves on, also in source that does not parse.
                    self.at += usize::from(!matches!(self.kind(0), Some(Kind::Mark(',' | '}' | ';')) | None));
                    break;
                }
            }
            if self.is_name(0, "as") {
                self.at += 2;
            }
            if self.kind(0) != Some(&Kind::PathSeparator) {
                break;
            }
            self.at += 1;
        }
        self.refer(prefix, line);
    }

    /// Resolves `self` and `super`, keeps the path.
    fn refer(&mut self, path: Vec<String>, line: u32) {
        let mut segments = path.into_iter().peekable();
        let mut resolved = Vec::new();
        if let Some("self" | "super") = segments.peek().map(String::as_str) {
            resolved.push("crate".to_owned());
            resolved.extend(self.module.iter().cloned());
            while let Some(step) = segments.next_if(|segment| segment == "self" || segment == "super") {
                if step == "super" && resolved.len() > 1 {
                    resolved.pop();
                }
            }
        }
        resolved.extend(segments);
        if !resolved.is_empty() {
            self.found.references.push(Reference { path: resolved, line });
        }
    }

    fn note(&mut self, name: String) {
        let line = self.line();
        self.found.names.push((name, line));
    }

    /// Whether an attribute stands here that keeps what follows out of everything but tests.
    fn is_test_attribute(&self) -> bool {
        if self.kind(0) != Some(&Kind::Mark('#')) || self.kind(1) != Some(&Kind::Mark('[')) || !self.is_name(2, "cfg") {
            return false;
        }
        let inside = self.tokens[self.at..].iter().take_while(|token| token.kind != Kind::Mark(']'));
        let names: Vec<&str> = inside
            .filter_map(|token| match &token.kind {
                Kind::Name(name) => Some(name.as_str()),
                Kind::PathSeparator | Kind::Mark(_) => None,
            })
            .collect();
        names.contains(&"test") && !names.contains(&"not") && !names.contains(&"any")
    }

    fn skip_attribute(&mut self) {
        let mut depth = 0_u32;
        while let Some(kind) = self.kind(0) {
            match kind {
                Kind::Mark('[') => depth += 1,
                Kind::Mark(']') => depth -= 1,
                Kind::Name(_) | Kind::PathSeparator | Kind::Mark(_) => {}
            }
            self.at += 1;
            if depth == 0 && self.tokens.get(self.at - 1).is_some_and(|token| token.kind == Kind::Mark(']')) {
                return;
            }
        }
    }

    /// Skips an item for tests: to its `;`, or over its braces.
    fn skip_item(&mut self) {
        while self.kind(0) == Some(&Kind::Mark('#')) {
            self.skip_attribute();
        }
        let mut depth = 0_u32;
        while let Some(kind) = self.kind(0).cloned() {
            if depth == 0
                && self.is_name(0, "mod")
                && let (Some(Kind::Name(child)), Some(Kind::Mark(';'))) = (self.kind(1), self.kind(2))
            {
                self.found.test_modules.push(child.clone());
            }
            self.at += 1;
            match kind {
                Kind::Mark(';') if depth == 0 => return,
                Kind::Mark('{') => depth += 1,
                Kind::Mark('}') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return;
                    }
                }
                Kind::Name(_) | Kind::PathSeparator | Kind::Mark(_) => {}
            }
        }
    }

    fn kind(&self, ahead: usize) -> Option<&'a Kind> {
        self.tokens.get(self.at + ahead).map(|token| &token.kind)
    }

    fn is_name(&self, ahead: usize, name: &str) -> bool {
        matches!(self.kind(ahead), Some(Kind::Name(found)) if found == name)
    }

    fn line(&self) -> u32 {
        self.tokens.get(self.at).map_or(0, |token| token.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(source: &str, module: &str) -> Vec<String> {
        let module: Vec<String> = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        read(source, &module).references.into_iter().map(|reference| reference.path.join("::")).collect()
    }

    #[test]
    fn use_trees_are_spelled_out() {
        let source = "use crate::{plan::{self, Cursor as C}, units::*};\nuse std::fmt;\npub(crate) use super::x;";
        assert_eq!(
            paths(source, "engine::worker"),
            ["crate::plan", "crate::plan::Cursor", "crate::units", "std::fmt", "crate::engine::x"]
        );
    }

    #[test]
    fn paths_in_code_and_in_macros_count() {
        let source = "fn f() -> crate::plan::Plan { view! { <crate::pages::Run a=super::b() /> } }";
        assert_eq!(paths(source, "app"), ["crate::plan::Plan", "crate::pages::Run", "crate::b"]);
    }

    #[test]
    fn turbofish_and_associated_functions_end_a_path() {
        assert_eq!(paths("crate::a::f::<u32>(); Vec::<u8>::new()", ""), ["crate::a::f", "Vec"]);
    }

    #[test]
    fn inline_modules_shift_what_super_means() {
        let source =
            "mod inner { use super::a::B; mod deep { fn f() { super::super::c::d() } } } fn g() { self::e::f() }";
        assert_eq!(paths(source, "m"), ["crate::m::a::B", "crate::m::c::d", "crate::m::e::f"]);
    }

    #[test]
    fn code_for_tests_is_left_aside() {
        let source = "use crate::a;\n#[cfg(test)]\nmod tests {\n use crate::b;\n fn f() { crate::c::d() }\n}\n\
                      #[cfg(test)] mod fixtures;\n#[cfg(all(test, unix))] #[inline] fn t() { crate::d::e() }\n\
                      #[cfg(not(test))] use crate::f;";
        assert_eq!(paths(source, ""), ["crate::a", "crate::f"]);
        assert_eq!(read(source, &[]).test_modules, ["fixtures"]);
    }

    #[test]
    fn source_that_does_not_parse_is_read_to_its_end() {
        for source in ["use", "use {", "use crate::{a", "use a::}", "}}}}", "#[cfg(test)]", "crate::", "use crate::#;"]
        {
            read(source, &[]);
        }
    }

    #[test]
    fn references_know_their_line() {
        let lines: Vec<u32> = read("\nuse a::{\n b,\n c };", &[]).references.iter().map(|found| found.line).collect();
        assert_eq!(lines, [3, 4]);
    }
}
