//! Version scripts and dynamic lists: which symbols a library exports, and under which versions (GNU ld's
//! manual, "VERSION Command" and `--dynamic-list`).
//!
//! The labels `global:` and `local:` may come in any order and more than once, and the last `;` before a brace may be
//! missing; GNU ld refuses some of that, other linkers do not.

mod glob;
mod matcher;

pub use matcher::{Matcher, Verdict, VersionMatcher};

use anyhow::{Result, bail};
use std::collections::{HashMap, HashSet};
use std::path::Path;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionScript {
    /// Version numbers follow this order, from 2 on.
    pub versions: Vec<Version>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// Empty if the script has one version, without a name.
    pub name: String,
    pub parents: Vec<String>,
    pub global: Vec<Pattern>,
    pub local: Vec<Pattern>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    pub text: String,
    pub kind: Kind,
    pub language: Language,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Exact,
    Glob,
}

/// What a pattern is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// The symbol's name.
    C,
    /// What a programmer wrote, `ns::f(int)`; for a name that is not mangled, the name.
    Cxx,
}

/// Numbers of versions have 15 bits.
const MOST_VERSIONS: usize = 0x7000;

/// Reads a version script.
pub fn parse(text: &str, file: &Path) -> Result<VersionScript> {
    let mut parser = Parser::new(text, file)?;
    let mut versions: Vec<Version> = Vec::new();
    let mut names: HashSet<String> = HashSet::new();
    while versions.is_empty() || parser.peek().is_some() {
        let name = match parser.peek() {
            Some(Token::Word(name)) => name.clone(),
            _ => String::new(),
        };
        if !name.is_empty() {
            parser.at += 1;
        }
        if names.contains(&name) && !name.is_empty() {
            return parser.fail(&format!("version {name} is there twice"));
        }
        let mut version = parser.body()?;
        while let Some(Token::Word(parent)) = parser.peek().cloned() {
            if !names.contains(&parent) {
                return parser.fail(&format!("there is no version {parent} before this one"));
            }
            version.parents.push(parent);
            parser.at += 1;
        }
        parser.expect(';', "`;` or the name of an older version")?;
        names.insert(name.clone());
        versions.push(Version { name, ..version });
        if versions.len() > 1 && names.contains("") {
            return parser.fail("a version without a name has to be the only one");
        }
        if versions.len() > MOST_VERSIONS {
            return parser.fail("there are too many versions");
        }
    }
    check_duplicates(&versions, file)?;
    Ok(VersionScript { versions })
}

/// Reads a dynamic list: `{ name; ...; };`, as often as it likes.
pub fn parse_dynamic_list(text: &str, file: &Path) -> Result<Vec<Pattern>> {
    let mut parser = Parser::new(text, file)?;
    let mut patterns = Vec::new();
    loop {
        let body = parser.body()?;
        parser.expect(';', "`;`")?;
        if !body.local.is_empty() {
            return parser.fail("a dynamic list has no local symbols");
        }
        patterns.extend(body.global);
        if parser.peek().is_none() {
            return Ok(patterns);
        }
    }
}

/// A pattern that one version calls global and another local is a mistake of the script.
fn check_duplicates(versions: &[Version], file: &Path) -> Result<()> {
    let mut global = HashMap::new();
    for (index, version) in versions.iter().enumerate() {
        for pattern in &version.global {
            let (first, last) = global.entry(pattern).or_insert((index, index));
            (*first, *last) = ((*first).min(index), index);
        }
    }
    for (index, version) in versions.iter().enumerate() {
        for pattern in &version.local {
            if global.get(pattern).is_some_and(|range| *range != (index, index)) {
                bail!("{}: {} is global in one version and local in another", file.display(), pattern.text);
            }
        }
    }
    Ok(())
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    /// One of `{};:`.
    Mark(char),
}

struct Parser<'a> {
    /// With their lines.
    tokens: Vec<(Token, usize)>,
    at: usize,
    file: &'a Path,
}

impl<'a> Parser<'a> {
    fn new(text: &str, file: &'a Path) -> Result<Self> {
        let mut tokens = Vec::new();
        let (mut rest, mut line) = (text, 1);
        while let Some(first) = rest.chars().next() {
            let place = || format!("{}:{line}", file.display());
            let (token, length) = if let Some(comment) = rest.strip_prefix("/*") {
                let Some(end) = comment.find("*/") else { bail!("{}: the comment has no end", place()) };
                (None, end + 4)
            } else if first == '#' {
                (None, rest.find('\n').unwrap_or(rest.len()))
            } else if first == '"' {
                let Some(end) = rest[1..].find('"') else { bail!("{}: the quote has no end", place()) };
                (Some(Token::Quoted(rest[1..=end].to_owned())), end + 2)
            } else if first.is_whitespace() {
                (None, first.len_utf8())
            } else if "{};".contains(first) || (first == ':' && !rest.starts_with("::")) {
                (Some(Token::Mark(first)), 1)
            } else {
                let length = word_length(rest);
                (Some(Token::Word(rest[..length].to_owned())), length)
            };
            tokens.extend(token.map(|token| (token, line)));
            line += rest[..length].matches('\n').count();
            rest = &rest[length..];
        }
        Ok(Self { tokens, at: 0, file })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    /// Whether the next tokens are `word` and then something that makes it a keyword.
    fn at_keyword(&self, word: &str, is_next: impl Fn(&Token) -> bool) -> bool {
        self.peek() == Some(&Token::Word(word.to_owned()))
            && self.tokens.get(self.at + 1).is_some_and(|(token, _)| is_next(token))
    }

    fn fail<T>(&self, what: &str) -> Result<T> {
        // Where the text ended too early, its last line.
        let line = self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |(_, line)| *line);
        bail!("{}:{line}: {what}", self.file.display())
    }

    fn expected<T>(&self, what: &str) -> Result<T> {
        let found = match self.peek() {
            Some(Token::Word(text)) => text.clone(),
            Some(Token::Quoted(text)) => format!("\"{text}\""),
            Some(Token::Mark(mark)) => mark.to_string(),
            None => return self.fail(&format!("expected {what} before the end of the file")),
        };
        self.fail(&format!("expected {what} before `{found}`"))
    }

    fn expect(&mut self, mark: char, what: &str) -> Result<()> {
        if self.peek() != Some(&Token::Mark(mark)) {
            return self.expected(what);
        }
        self.at += 1;
        Ok(())
    }

    /// `{ ... }` of a version; what has no label is global.
    fn body(&mut self) -> Result<Version> {
        self.expect('{', "`{`")?;
        let mut version = Version::default();
        let mut is_local = false;
        while self.peek() != Some(&Token::Mark('}')) {
            let is_label = |token: &Token| *token == Token::Mark(':');
            if let Some(label) = ["global", "local"].iter().position(|word| self.at_keyword(word, is_label)) {
                is_local = label == 1;
                self.at += 2;
                continue;
            }
            let list = if is_local { &mut version.local } else { &mut version.global };
            self.entries(Language::C, list)?;
            self.end_of_entry()?;
        }
        self.at += 1;
        Ok(version)
    }

    /// One pattern, or `extern "LANGUAGE" { ... }` with several. Languages may be nested.
    fn entries(&mut self, language: Language, list: &mut Vec<Pattern>) -> Result<()> {
        let mut languages = vec![language];
        loop {
            if self.at_keyword("extern", |next| matches!(next, Token::Quoted(_))) {
                self.at += 1;
                languages.push(match self.peek() {
                    Some(Token::Quoted(name)) if name == "C" => Language::C,
                    Some(Token::Quoted(name)) if name == "C++" => Language::Cxx,
                    _ => return self.expected("\"C\" or \"C++\""),
                });
                self.at += 1;
                self.expect('{', "`{`")?;
                continue;
            }
            if languages.len() == 1 || self.peek() != Some(&Token::Mark('}')) {
                let language = languages.last().copied().unwrap_or(language);
                match self.peek() {
                    Some(Token::Word(word)) => list.push(Pattern::new(word, language)),
                    Some(Token::Quoted(text)) => {
                        list.push(Pattern { text: text.clone(), kind: Kind::Exact, language });
                    }
                    _ => return self.expected("the name of a symbol"),
                }
                self.at += 1;
            } else {
                self.at += 1;
                languages.pop();
            }
            if languages.len() == 1 {
                return Ok(());
            }
            self.end_of_entry()?;
        }
    }

    /// `;`, which may be missing before a closing brace.
    fn end_of_entry(&mut self) -> Result<()> {
        match self.peek() {
            Some(Token::Mark('}')) => Ok(()),
            _ => self.expect(';', "`;`"),
        }
    }
}

/// A word ends at a mark, but `::` is part of it.
fn word_length(text: &str) -> usize {
    let mut length = 0;
    while let Some(next) = text[length..].chars().next() {
        if text[length..].starts_with("::") {
            length += 2;
        } else if next.is_whitespace() || "{};:\"#".contains(next) || text[length..].starts_with("/*") {
            break;
        } else {
            length += next.len_utf8();
        }
    }
    length
}

impl Pattern {
    /// A pattern as it is written without quotes.
    fn new(word: &str, language: Language) -> Self {
        let mut plain = String::new();
        let mut characters = word.chars();
        while let Some(character) = characters.next() {
            match character {
                '*' | '?' | '[' => return Self { text: word.to_owned(), kind: Kind::Glob, language },
                '\\' => plain.extend(characters.next()),
                _ => plain.push(character),
            }
        }
        Self { text: plain, kind: Kind::Exact, language }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<VersionScript> {
        parse(text, Path::new("map"))
    }

    fn error(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn a_script_with_everything() {
        let script = "V1.0 { # first\n\
                      global:\n  foo; \"bar*\"; a\\*b; extern \"C++\" { ns::*; \"ns::f(int)\" }; \n\
                      local: /* the rest */ *; };\n\
                      V2 { baz; global: x; local: y } V1.0;\n";
        let pattern = |text: &str, kind, language| Pattern { text: text.to_owned(), kind, language };
        let c = |text| pattern(text, Kind::Exact, Language::C);
        let expected = [
            Version {
                name: "V1.0".into(),
                parents: vec![],
                global: vec![
                    c("foo"),
                    c("bar*"),
                    c("a*b"),
                    pattern("ns::*", Kind::Glob, Language::Cxx),
                    pattern("ns::f(int)", Kind::Exact, Language::Cxx),
                ],
                local: vec![pattern("*", Kind::Glob, Language::C)],
            },
            Version {
                name: "V2".into(),
                parents: vec!["V1.0".into()],
                global: vec![c("baz"), c("x")],
                local: vec![c("y")],
            },
        ];
        assert_eq!(read(script).unwrap().versions, expected);
    }

    #[test]
    fn errors_name_the_line() {
        assert_eq!(error(""), "map:1: expected `{` before the end of the file");
        assert_eq!(error("V1 {\n foo bar; };"), "map:2: expected `;` before `bar`");
        assert_eq!(error("V1 {\n ; };"), "map:2: expected the name of a symbol before `;`");
        assert_eq!(
            error("V1 { a; }"),
            "map:1: expected `;` or the name of an older version before the end of the file"
        );
        assert_eq!(
            error("V1 {\n\n extern \"D\" { a; }; };"),
            "map:3: expected \"C\" or \"C++\" before `\"D\"`"
        );
        assert_eq!(error("V1 { a; };\nV1 { b; };"), "map:2: version V1 is there twice");
        assert_eq!(error("V1 { a; } V0;"), "map:1: there is no version V0 before this one");
        assert_eq!(error("{ a; };\nV1 { b; };"), "map:2: a version without a name has to be the only one");
        assert_eq!(error("\n/* V1"), "map:2: the comment has no end");
        assert_eq!(error("V1 { \"a; };"), "map:1: the quote has no end");
        assert_eq!(
            error("V1 { local: a; }; V2 { global: a; };"),
            "map: a is global in one version and local in another"
        );
        assert!(read("V1 { extern \"C\" {").is_err());
        assert!(read(&"V1 { extern \"C\" { ".repeat(100_000)).is_err());
    }
}
