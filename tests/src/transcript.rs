//! Compares what a tool shows of a program with what it shows of the program's twin, line by line.
//!
//! Two programs that two linkers made are at other addresses and in other folders, and two processes have other
//! numbers. [`normalised`] takes these out, and nothing else.

use std::path::Path;
use std::sync::OnceLock;

use regex::Regex;
use similar::TextDiff;

/// A text without folders, addresses, and numbers of processes and threads.
pub fn normalised(text: &str, folders: &[&Path]) -> String {
    static RULES: OnceLock<Vec<(Regex, &str)>> = OnceLock::new();
    let rules = RULES.get_or_init(|| {
        let rule = |pattern: &str, with: &'static str| (Regex::new(pattern).expect("a fixed pattern"), with);
        vec![
            rule(r"-?0x[0-9a-f]+\(%rip\)", "OFFSET(%rip)"),
            rule(r"\b0x[0-9a-f]{4,16}\b", "ADDRESS"),
            rule(r"\bThread \d+\.\d+", "Thread ID"),
            rule(r"\b([Pp]rocess|LWP|pid =|pid|attach) \d+", "$1 ID"),
            rule(r"`\.reg-xstate/\d+'", "`.reg-xstate/ID'"),
            rule(r"/proc/\d+/", "/proc/ID/"),
            rule(r"==\d+==", "==ID=="),
        ]
    });
    let mut text = text.replace('\r', "");
    for folder in folders {
        text = text.replace(folder.to_string_lossy().trim_end_matches('/'), "FOLDER");
    }
    rules.iter().fold(text, |text, (pattern, with)| pattern.replace_all(&text, *with).into_owned())
}

/// The text without the lines in which one of these is found.
pub fn without_lines(text: &str, patterns: &[Regex]) -> String {
    let keep = |line: &&str| !patterns.iter().any(|pattern| pattern.is_match(line.trim_end_matches('\n')));
    text.split_inclusive('\n').filter(keep).collect()
}

/// What is not the same in two texts, as `diff -u` shows it: `-` what the twin has, `+` what was found instead.
pub fn difference(twin: &str, found: &str) -> Option<String> {
    (twin != found)
        .then(|| TextDiff::from_lines(twin, found).unified_diff().header("twin", "unfold").to_string())
}

/// The first of these texts that is not in the transcript behind the one before it.
pub fn first_missing<'a>(transcript: &str, texts: &'a [String]) -> Option<&'a str> {
    let mut rest = transcript;
    for text in texts {
        let Some(at) = rest.find(text.as_str()) else { return Some(text) };
        rest = &rest[at + text.len()..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_varies_is_taken_out() {
        let text =
            "#0  0x000055550000 in f (x=0x3) at /tmp/a/f.c:5\n[Thread 0x7ffff7d8a740 (LWP 12) exited]\n";
        assert_eq!(
            normalised(text, &[Path::new("/tmp/a")]),
            "#0  ADDRESS in f (x=0x3) at FOLDER/f.c:5\n[Thread ADDRESS (LWP ID) exited]\n"
        );
        assert_eq!(
            normalised("lea -0x1c(%rip),%rdi # 0x4010 <g+4>", &[]),
            "lea OFFSET(%rip),%rdi # ADDRESS <g+4>"
        );
    }

    #[test]
    fn differences_are_shown_as_lines() {
        assert_eq!(difference("a\n", "a\n"), None);
        let shown = difference("a\nb\n", "a\nc\n").unwrap();
        assert!(shown.contains("-b\n+c\n"), "{shown}");
        let order = ["a".to_owned(), "c".to_owned(), "b".to_owned()];
        assert_eq!(first_missing("a b c", &order), Some("b"));
    }
}
