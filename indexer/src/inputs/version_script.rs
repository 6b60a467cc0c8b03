//! Version scripts and dynamic lists: which symbols a library exports, and under which versions (GNU ld's
//! manual, "VERSION Command" and `--dynamic-list`).
//!
//! The labels `global:` and `local:` may come in any order and more than once, and the last `;` before a brace may be
//! missing; GNU ld refuses some of that, other linkers do not.

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

/// What becomes of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is exported with this version number: 1 without a version, else 2 for the first.
    Global(u16),
    Local,
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

/// Finds what a script says about a symbol, in GNU ld's order of precedence: an exact name, the one in the earliest
/// version first; then patterns, `*` alone last, global ones before local ones, that of the latest version first.
#[derive(Default)]
pub struct Matcher {
    names: Names,
    demangled: Names,
}

/// The patterns of one language.
#[derive(Default)]
struct Names {
    exact: HashMap<Vec<u8>, Exact>,
    globs: Globs,
}

/// The lowest wins: index of the version, and whether it is one of its local names.
type Exact = (u16, bool);

/// The highest wins: whether it is more than `*`, whether it is global, index of the version.
type Rank = (bool, bool, u16);

impl Matcher {
    pub fn new(script: &VersionScript) -> Self {
        let mut matcher = Self::default();
        let is_named = script.versions.first().is_some_and(|version| !version.name.is_empty());
        for (index, version) in script.versions.iter().enumerate() {
            let number = index as u16 + if is_named { 2 } else { 1 };
            matcher.add(&version.global, number, false);
            matcher.add(&version.local, number, true);
        }
        matcher
    }

    /// What a dynamic list names is global.
    pub fn of_list(patterns: &[Pattern]) -> Self {
        let mut matcher = Self::default();
        matcher.add(patterns, 1, false);
        matcher
    }

    fn add(&mut self, patterns: &[Pattern], number: u16, is_local: bool) {
        for pattern in patterns {
            let names = match pattern.language {
                Language::C => &mut self.names,
                Language::Cxx => &mut self.demangled,
            };
            let text = pattern.text.as_bytes();
            match pattern.kind {
                Kind::Exact => {
                    let exact = names.exact.entry(text.to_vec()).or_insert((number, is_local));
                    *exact = (*exact).min((number, is_local));
                }
                Kind::Glob => names.globs.add(text, (text != b"*", !is_local, number)),
            }
        }
    }

    pub fn find(&self, name: &[u8]) -> Option<Verdict> {
        if self.names.is_empty() && self.demangled.is_empty() {
            return None;
        }
        // Demangling is slow.
        let demangled = (!self.demangled.is_empty()).then(|| demangle(name));
        let demangled = demangled.as_deref().unwrap_or(name);
        let both = [(&self.names, name), (&self.demangled, demangled)];
        if let Some((number, is_local)) = both.iter().filter_map(|(names, text)| names.exact.get(*text)).min()
        {
            return Some(if *is_local { Verdict::Local } else { Verdict::Global(*number) });
        }
        let (_, is_global, number) = both.iter().filter_map(|(names, text)| names.globs.find(text)).max()?;
        Some(if is_global { Verdict::Global(number) } else { Verdict::Local })
    }
}

/// What one version's lists say about symbols that carry its name already, as `foo@V1` and `foo@@V1` do. Other
/// versions' lists do not count for them.
pub struct VersionMatcher {
    global: Matcher,
    local: Matcher,
}

impl VersionMatcher {
    pub fn new(version: &Version) -> Self {
        Self { global: Matcher::of_list(&version.global), local: Matcher::of_list(&version.local) }
    }

    /// Whether the symbol is not exported after all. Even a pattern that is global wins over an exact local name.
    pub fn hides(&self, name: &[u8]) -> bool {
        self.local.find(name).is_some() && self.global.find(name).is_none()
    }
}

impl Names {
    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.globs.is_empty()
    }
}

fn demangle(name: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(name) {
        Ok(text) => crate::message::demangle(text).into_bytes(),
        Err(_) => name.to_vec(),
    }
}

/// Globs, so that a name is only compared with those that begin as it does, or that begin with a wildcard and
/// end as it does.
#[derive(Default)]
struct Globs {
    forward: Tree,
    /// Of what is reversed.
    backward: Tree,
}

impl Globs {
    fn add(&mut self, glob: &[u8], rank: Rank) {
        let mut pieces = pieces(glob);
        if matches!(pieces.first(), Some(Piece::Byte(_))) {
            self.forward.add(pieces, rank);
        } else {
            pieces.reverse();
            self.backward.add(pieces, rank);
        }
    }

    fn find(&self, name: &[u8]) -> Option<Rank> {
        let reversed: Vec<u8> = name.iter().rev().copied().collect();
        self.forward.find(name).max(self.backward.find(&reversed))
    }

    fn is_empty(&self) -> bool {
        self.forward.nodes.is_empty() && self.backward.nodes.is_empty()
    }
}

/// A tree of the bytes that stand before the globs' first wildcards.
#[derive(Default)]
struct Tree {
    /// The first is the root.
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    children: HashMap<u8, u32>,
    /// What comes after the bytes that lead to this node.
    globs: Vec<(Vec<Piece>, Rank)>,
}

impl Tree {
    fn add(&mut self, pieces: Vec<Piece>, rank: Rank) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let plain = pieces.iter().map_while(|piece| match piece {
            Piece::Byte(byte) => Some(*byte),
            _ => None,
        });
        let (mut node, mut length) = (0, 0);
        for byte in plain {
            let next = self.nodes.len() as u32;
            let child = *self.nodes[node].children.entry(byte).or_insert(next);
            if child == next {
                self.nodes.push(Node::default());
            }
            (node, length) = (child as usize, length + 1);
        }
        self.nodes[node].globs.push((pieces[length..].to_vec(), rank));
    }

    fn find(&self, name: &[u8]) -> Option<Rank> {
        let mut best = None;
        let mut node = self.nodes.first();
        let mut rest = name;
        while let Some(here) = node {
            for (pieces, rank) in &here.globs {
                if best < Some(*rank) && matches(pieces, rest) {
                    best = Some(*rank);
                }
            }
            let Some((byte, after)) = rest.split_first() else { break };
            node = here.children.get(byte).and_then(|child| self.nodes.get(*child as usize));
            rest = after;
        }
        best
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Byte(u8),
    /// `?`
    One,
    /// `*`
    Any,
    /// `[...]`: whether it is negated, and ranges of bytes.
    Set(bool, Vec<(u8, u8)>),
}

fn pieces(glob: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = glob;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let piece = match first {
            b'*' if pieces.last() == Some(&Piece::Any) => continue,
            b'*' => Piece::Any,
            b'?' => Piece::One,
            b'\\' if !rest.is_empty() => {
                let byte = rest[0];
                rest = &rest[1..];
                Piece::Byte(byte)
            }
            b'[' => match set(rest) {
                Some((set, after)) => {
                    rest = after;
                    set
                }
                None => Piece::Byte(b'['),
            },
            _ => Piece::Byte(*first),
        };
        pieces.push(piece);
    }
    pieces
}

/// What follows `[`, if it is closed. A `]` that comes first does not close it.
fn set(text: &[u8]) -> Option<(Piece, &[u8])> {
    let negated = matches!(text.first()?, b'!' | b'^');
    let mut rest = &text[usize::from(negated)..];
    let mut ranges = Vec::new();
    loop {
        match rest {
            [b']', after @ ..] if !ranges.is_empty() => return Some((Piece::Set(negated, ranges), after)),
            [low, b'-', high, after @ ..] if *high != b']' => {
                ranges.push((*low, *high));
                rest = after;
            }
            [b'\\', byte, after @ ..] | [byte, after @ ..] => {
                ranges.push((*byte, *byte));
                rest = after;
            }
            [] => return None,
        }
    }
}

/// Whether the pieces are all of the text. Only the last `*` is ever tried again, for what an earlier one could reach
/// by taking more, this one can as well.
fn matches(pieces: &[Piece], text: &[u8]) -> bool {
    let (mut piece, mut at) = (0, 0);
    let mut again: Option<(usize, usize)> = None;
    loop {
        let is_match = match pieces.get(piece) {
            Some(Piece::Any) if piece + 1 == pieces.len() => return true,
            Some(Piece::Any) => {
                again = Some((piece + 1, at));
                piece += 1;
                continue;
            }
            Some(piece) => text.get(at).is_some_and(|byte| piece.is(*byte)),
            None if at == text.len() => return true,
            None => false,
        };
        match &mut again {
            _ if is_match => (piece, at) = (piece + 1, at + 1),
            Some((after, start)) if *start < text.len() => {
                *start += 1;
                (piece, at) = (*after, *start);
            }
            _ => return false,
        }
    }
}

impl Piece {
    fn is(&self, byte: u8) -> bool {
        match self {
            Self::Byte(own) => *own == byte,
            Self::One => true,
            Self::Any => false,
            Self::Set(negated, ranges) => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&byte)) != *negated
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Global, Local};

    fn read(text: &str) -> Result<VersionScript> {
        parse(text, Path::new("map"))
    }

    fn error(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    /// What the script says about names.
    #[track_caller]
    fn check(script: &str, expected: &[(&str, Option<Verdict>)]) {
        let matcher = Matcher::new(&read(script).unwrap());
        for (name, verdict) in expected {
            assert_eq!(matcher.find(name.as_bytes()), *verdict, "{name} in {script}");
        }
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
    fn labels_and_languages_can_be_names() {
        let everything_else = Some(Local);
        check(
            "V { global: global; local; extern; local: *; };",
            &[
                ("global", Some(Global(2))),
                ("local", Some(Global(2))),
                ("extern", Some(Global(2))),
                ("x", everything_else),
            ],
        );
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

    #[test]
    fn dynamic_lists() {
        let list = |text| parse_dynamic_list(text, Path::new("list"));
        let matcher = Matcher::of_list(&list("{ foo; b*; }; { extern \"C++\" { \"f(int)\"; }; };").unwrap());
        for name in ["foo", "bar", "_Z1fi"] {
            assert_eq!(matcher.find(name.as_bytes()), Some(Global(1)), "{name}");
        }
        for name in ["fo", "_Z1fv"] {
            assert_eq!(matcher.find(name.as_bytes()), None, "{name}");
        }
        assert!(list("V1 { foo; };").is_err());
        assert!(list("{ local: foo; };").is_err());
        assert!(list("").is_err());
        assert!(list("{ };").unwrap().is_empty());
    }

    /// Every line was tried with GNU ld 2.40.
    #[test]
    fn precedence_is_that_of_gnu_ld() {
        let v1 = Some(Global(2));
        let v2 = Some(Global(3));
        let local = Some(Local);
        check("V1 { global: foo*; local: foo_x; };", &[("foo_x", local), ("foo", v1), ("bar", None)]);
        check("V1 { global: foo_*; }; V2 { local: foo_x; };", &[("foo_x", local)]);
        check("V1 { local: foo_x; }; V2 { global: foo_*; };", &[("foo_x", local)]);
        check("V1 { global: foo*; local: *; }; V2 { global: foobar; };", &[("foobar", v2), ("foo", v1)]);
        check("V1 { global: foobar; local: *; }; V2 { global: foo*; };", &[("foobar", v1), ("foo", v2)]);
        check("V1 { global: foo*; }; V2 { global: *foo; local: *; };", &[("foo", v2), ("foobar", v1)]);
        check("V1 { global: foo; }; V2 { global: foo; local: *; };", &[("foo", v1), ("bar", local)]);
        check("V1 { global: foo; local: foo; *; };", &[("foo", v1)]);
        check("V1 { global: *; local: foo; };", &[("foo", local), ("bar", v1)]);
        check("V1 { local: foo*; }; V2 { global: foo?ar; local: *; };", &[("foobar", v2), ("foo", local)]);
        check("V1 { global: *; local: foo*; }; V2 { global: *; };", &[("foo", local), ("bar", v2)]);
        check("V1 { global: **; local: foo; b*; };", &[("foo", local), ("bar", v1)]);
        check("V1 { global: \"*\"; local: *; };", &[("foo", local), ("*", v1)]);
        check("{ global: foo; local: *; };", &[("foo", Some(Global(1))), ("bar", local)]);
        let cxx = "V1 { global: extern \"C++\" { \"ns::v\"; }; local: _ZN2ns1vE; *; };";
        check(cxx, &[("_ZN2ns1vE", v1)]);
        let cxx = "V1 { global: _ZN2ns*; extern \"C++\" { \"ns::v\"; }; }; V2 { global: _ZN2ns1vE; };";
        check(cxx, &[("_ZN2ns1vE", v1)]);
    }

    /// These were tried with GNU ld 2.40 as well.
    #[test]
    fn versioned_symbols_are_hidden_by_their_own_version() {
        let script =
            "V1 { local: *; }; V2 { }; V3 { global: n*; local: number; }; V4 { global: num*; local: *; };";
        let script = read(script).unwrap();
        let hides = |index: usize| VersionMatcher::new(&script.versions[index]).hides(b"number");
        assert_eq!([0, 1, 2, 3].map(hides), [true, false, false, false]);
    }

    #[test]
    fn cxx_patterns_see_the_demangled_name() {
        let v1 = Some(Global(2));
        let script =
            "V1 { global: extern \"C++\" { ns::S*; \"ns::f(int)\"; ns::g; plain; vtable*; }; local: *; };";
        check(
            script,
            &[
                ("_ZN2ns1SC1Ev", v1),
                ("_ZN2ns1fEi", v1),
                ("_ZN2ns1fEl", Some(Local)),
                // The parameters are part of it.
                ("_ZN2ns1gEv", Some(Local)),
                ("plain", v1),
                ("_ZTVN2ns1SE", v1),
            ],
        );
    }

    /// Scripts that were cut, doubled and mixed up are read or refused.
    #[test]
    fn malformed_scripts_are_no_harm() {
        let script =
            "V1 { global: foo*; [a-z]\\*; extern \"C++\" { ns::*; \"f(int)\" }; local: *; }; # x\nV2 { } V1;";
        let mut state = 1u64;
        let mut below = |limit: usize| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (state >> 33) as usize % limit
        };
        for _ in 0..20_000 {
            let mut text = script.as_bytes().to_vec();
            for _ in 0..=below(4) {
                let (from, to) = (below(text.len()), below(text.len()));
                match below(3) {
                    0 => text.swap(from, to),
                    1 => text.insert(from, b"{};:*[]\\\"#/?!^-\n "[below(17)]),
                    _ => text.truncate(from.max(1)),
                }
            }
            let text = String::from_utf8_lossy(&text);
            let _ = parse_dynamic_list(&text, Path::new("list"));
            if let Ok(script) = read(&text) {
                let matcher = Matcher::new(&script);
                for name in ["foo", "z*", "_Z1fi", "", "[a-z"] {
                    matcher.find(name.as_bytes());
                }
            }
        }
    }

    #[test]
    fn globs() {
        let is = |glob: &str, text: &str| matches(&pieces(glob.as_bytes()), text.as_bytes());
        for (glob, text) in [
            ("*", ""),
            ("a*", "a"),
            ("*b*b", "abbab"),
            ("a?c", "abc"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[^a-c]x", "dx"),
            ("[]a]x", "]x"),
            ("[a-]", "-"),
            ("[\\]]", "]"),
            ("[f", "[f"),
            ("a\\*", "a*"),
            ("\\", "\\"),
            ("a*b*c?", "aXbYbZcc"),
        ] {
            assert!(is(glob, text), "{glob} {text}");
        }
        for (glob, text) in
            [("", "a"), ("a?", "a"), ("*b", "abc"), ("[a-c]x", "dx"), ("[!a]", ""), ("a\\*", "ab")]
        {
            assert!(!is(glob, text), "{glob} {text}");
        }
        // This is done at once, or never.
        assert!(!is(&"*a".repeat(100), &"a".repeat(99)));
        assert!(!is(&format!("{}b", "*a".repeat(100)), &"a".repeat(10_000)));
    }
}
