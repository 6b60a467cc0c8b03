//! Linker scripts that stand for libraries (`libc.so`), and dynamic lists.

use crate::HandOn;
use anyhow::{Result, anyhow, bail};

/// What such a script names.
#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    /// A path, or `-lNAME`; true: only if it is needed.
    Input(String, bool),
    SearchDir(String),
    Undefined(String),
}

/// Reads `INPUT`, `GROUP`, `AS_NEEDED`, `SEARCH_DIR`, `EXTERN`, and passes over `OUTPUT_FORMAT` and its kin
/// (GNU ld's manual, "Commands Dealing with Files").
pub fn parse(text: &str) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut tokens = tokens(text).into_iter().peekable();
    while let Some(command) = tokens.next() {
        if command == ";" {
            continue;
        }
        let next = tokens.next();
        if next.as_deref() != Some("(") {
            return Err(other_command(&command, next.as_deref().unwrap_or_default()));
        }
        let mut depth = 1;
        let mut as_needed_depth = None;
        loop {
            let Some(token) = tokens.next() else { bail!("linker script ends inside {command}(...)") };
            match token.as_str() {
                "(" => depth += 1,
                ")" => {
                    depth -= 1;
                    if as_needed_depth == Some(depth) {
                        as_needed_depth = None;
                    }
                    if depth == 0 {
                        break;
                    }
                }
                "," => {}
                "AS_NEEDED" => as_needed_depth = Some(depth),
                _ => match command.as_str() {
                    "INPUT" | "GROUP" => items.push(Item::Input(token, as_needed_depth.is_some())),
                    "SEARCH_DIR" => items.push(Item::SearchDir(token)),
                    "EXTERN" => items.push(Item::Undefined(token)),
                    "OUTPUT_FORMAT" | "OUTPUT_ARCH" | "TARGET" => {}
                    _ => return Err(other_command(&command, "(")),
                },
            }
        }
    }
    Ok(items)
}

/// Commands that lay out a program, or define symbols or versions (GNU ld's manual, "Linker Scripts").
const OTHER_COMMANDS: [&str; 15] = [
    "SECTIONS",
    "MEMORY",
    "PHDRS",
    "VERSION",
    "ENTRY",
    "STARTUP",
    "OUTPUT",
    "INCLUDE",
    "ASSERT",
    "PROVIDE",
    "PROVIDE_HIDDEN",
    "HIDDEN",
    "INSERT",
    "NOCROSSREFS",
    "REGION_ALIAS",
];

/// A command that does not stand for a library is the system's linker's, if it is one.
fn other_command(command: &str, next: &str) -> anyhow::Error {
    let is_assignment = command.contains('=') || next.ends_with('=');
    if is_assignment || OTHER_COMMANDS.contains(&command) {
        return HandOn(format!("linker script with {command}")).into();
    }
    anyhow!("linker script command {command} is not one that stands for a library")
}

/// The names (globs) in a dynamic list: `{ name; ...; };`.
pub fn dynamic_list(text: &str) -> Vec<String> {
    tokens(text)
        .into_iter()
        .filter(|token| !matches!(token.as_str(), "{" | "}" | ";" | "extern" | "C" | "C++" | "global:"))
        .collect()
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.find("*/").map_or("", |end| &comment[end + 2..]);
        } else if first == '"' {
            let body = &rest[1..];
            let end = body.find('"').unwrap_or(body.len());
            tokens.push(body[..end].to_owned());
            rest = body.get(end + 1..).unwrap_or("");
        } else if "(){};,".contains(first) {
            tokens.push(first.to_string());
            rest = &rest[1..];
        } else if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
        } else {
            let end = rest.find(|c: char| c.is_whitespace() || "(){};,\"".contains(c)).unwrap_or(rest.len());
            tokens.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_of_libc() {
        let text = "/* GNU ld script */ OUTPUT_FORMAT(elf64-x86-64)\n\
                    GROUP ( /lib/libc.so.6 /usr/lib/libc_nonshared.a  AS_NEEDED ( /lib/ld.so ) -lm )";
        let inputs = [
            ("/lib/libc.so.6", false),
            ("/usr/lib/libc_nonshared.a", false),
            ("/lib/ld.so", true),
            ("-lm", false),
        ];
        let expected: Vec<_> =
            inputs.iter().map(|(name, needed)| Item::Input((*name).into(), *needed)).collect();
        assert_eq!(parse(text).unwrap(), expected);
        assert!(parse("SECTIONS { .text : { *(.text) } }").is_err());
        assert!(parse("GROUP ( a").is_err());
    }
}
