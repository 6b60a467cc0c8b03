//! Every message that people may see has a row in `docs/messages.md`, with what it means and what to do: texts are looked for
//! in the sources, where they are given to what makes errors, warnings and notes of them. And no row is of a message that
//! there is no more.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Macros, functions, methods and variants that take a message.
const TAKERS: [&str; 15] = [
    "bail",
    "ensure",
    "anyhow",
    "say",
    "context",
    "with_context",
    "die",
    "die_errno",
    "stop",
    "warning",
    "at",
    "HandOn",
    "map_err",
    "ok_or",
    "ok_or_else",
];

/// Where all that is made with `push` is a message.
const LISTS_OF_MESSAGES: [&str; 4] = ["message.rs", "check.rs", "keywords.rs", "hints.rs"];

/// What stands for a part that is not the same each time.
const PART: &str = "…";

#[test]
fn every_message_has_a_cause_and_a_cure() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut said: BTreeMap<String, String> = BTreeMap::new();
    for folder in ["indexer/src", "tools/src", "loader/src"] {
        for file in sources(&top.join(folder)) {
            let text = fs::read_to_string(&file).expect("a source is text");
            let tokens: TokenStream =
                text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let mut messages = Vec::new();
            collect(tokens, LISTS_OF_MESSAGES.contains(&&*name), &mut messages);
            said.extend(messages.into_iter().map(|message| (message, name.clone())));
        }
    }
    assert!(said.len() > 150, "the sources are read: {}", said.len());
    let catalogue = fs::read_to_string(top.join("docs/messages.md")).expect("docs/messages.md is there");
    let rows = rows(&catalogue);
    let listed: BTreeSet<&str> = rows.iter().flat_map(|(messages, _)| messages).map(String::as_str).collect();
    let without: Vec<String> = said
        .iter()
        .filter(|(message, _)| !listed.contains(&***message))
        .map(|(message, file)| format!("``{message}`` ({file})"))
        .collect();
    let gone: Vec<&&str> = listed.iter().filter(|message| !said.contains_key(**message)).collect();
    assert!(without.is_empty(), "without a row in docs/messages.md:\n{}", without.join("\n"));
    assert!(gone.is_empty(), "rows of messages that there are no more: {gone:#?}");
    for (messages, cells) in &rows {
        let is_said = cells.len() == 2 && cells.iter().all(|cell| cell.len() > 3);
        assert!(is_said, "a cause and a cure are missing: {messages:?}: {cells:?}");
    }
}

/// The Rust files of a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|suffix| suffix == "rs") {
            files.push(path);
        }
    }
    files
}

/// Adds the messages that are taken in these tokens.
fn collect(tokens: TokenStream, pushes: bool, messages: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        if is_of_tests(&tokens[..at]) {
            continue;
        }
        let name = tokens[..at]
            .iter()
            .rev()
            .find(|token| !matches!(token, TokenTree::Punct(mark) if mark.as_char() == '!'));
        let takes = matches!(name, Some(TokenTree::Ident(name)) if {
            let name = name.to_string();
            TAKERS.contains(&&*name) || (pushes && name == "push")
        });
        if takes && group.delimiter() == Delimiter::Parenthesis {
            messages.extend(texts(group.stream()).into_iter().filter(|text| is_message(text)));
        }
        collect(group.stream(), pushes, messages);
    }
}

/// Whether what follows is the module of a file's own tests.
fn is_of_tests(before: &[TokenTree]) -> bool {
    let words: Vec<String> = before.iter().rev().take(4).map(ToString::to_string).collect();
    matches!(&words[..], [tests, module, attribute, ..] if tests == "tests" && module == "mod" && attribute.contains("cfg"))
}

/// The texts in an argument list: each literal, and lists of parts as one.
fn texts(tokens: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Literal(literal) => found.extend(text_of(&literal.to_string())),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                found.push(joined(group.stream()))
            }
            TokenTree::Group(group) => found.extend(texts(group.stream())),
            _ => {}
        }
    }
    found
}

/// Parts of a message of the loader, which has no formatting.
fn joined(tokens: TokenStream) -> String {
    let mut text = String::new();
    let mut is_open = true;
    for token in tokens {
        match &token {
            TokenTree::Punct(mark) if mark.as_char() == ',' => is_open = true,
            TokenTree::Literal(literal) => {
                text += &text_of(&literal.to_string()).unwrap_or_default();
                is_open = false;
            }
            _ if is_open => {
                text += PART;
                is_open = false;
            }
            _ => {}
        }
    }
    without_repeats(&text)
}

/// What a literal of text or bytes says, with a sign for each of its parts.
fn text_of(literal: &str) -> Option<String> {
    let text = match syn::parse_str(literal).ok()? {
        syn::Lit::Str(text) => text.value(),
        syn::Lit::ByteStr(bytes) => String::from_utf8(bytes.value()).ok()?,
        _ => return None,
    };
    let mut plain = String::new();
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '{' if rest.peek() == Some(&'{') => plain.extend(rest.next()),
            '{' => {
                rest.by_ref().find(|letter| *letter == '}');
                plain += PART;
            }
            '}' => {
                rest.next();
                plain.push('}');
            }
            '\n' => plain.push(' '),
            letter => plain.push(letter),
        }
    }
    Some(without_repeats(&plain))
}

fn without_repeats(text: &str) -> String {
    let mut text = text.to_owned();
    for (two, one) in [("……", PART), ("… …", PART)] {
        while text.contains(two) {
            text = text.replace(two, one);
        }
    }
    text.trim().to_owned()
}

/// Names of sections and options are none.
fn is_message(text: &str) -> bool {
    let words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic));
    words.count() > 1
}

/// The rows of the tables: messages, and the cells behind them.
fn rows(page: &str) -> Vec<(Vec<String>, Vec<String>)> {
    let mut rows = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| ``")) {
        let mut cells = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned());
        let first = cells.next().unwrap_or_default();
        let messages =
            first.split("``").skip(1).step_by(2).map(|message| message.trim().to_owned()).collect();
        rows.push((messages, cells.collect()));
    }
    rows
}
