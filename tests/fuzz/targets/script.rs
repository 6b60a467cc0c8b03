//! Texts: linker scripts, version scripts, dynamic lists, expressions, and names that are demangled for messages.
#![no_main]

use indexer::args::expression;
use indexer::inputs::script;
use indexer::inputs::version_script::{self, Matcher, Verdict, VersionMatcher};
use indexer::message::demangle;
use libfuzzer_sys::{Corpus, fuzz_target};
use std::path::Path;

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((first, text)) = data.split_first() else { return Corpus::Reject };
    let text = String::from_utf8_lossy(text);
    // Names that are looked up: words of the text itself.
    let names = || {
        let words = text.split(|c: char| c.is_whitespace() || ";{}".contains(c));
        words.take(32).chain(["", "f", "_Z1fi", "_ZN2ns1fEv"])
    };
    match first % 5 {
        0 => {
            script::parse(&text).ok();
            script::dynamic_list(&text);
        }
        1 => {
            if let Ok(script) = version_script::parse(&text, Path::new("map")) {
                let matcher = Matcher::new(&script);
                for name in names() {
                    if let Some(Verdict::Global(number)) = matcher.find(name.as_bytes()) {
                        assert!((1..script.versions.len() as u16 + 2).contains(&number));
                    }
                }
                for version in script.versions.iter().take(8) {
                    let matcher = VersionMatcher::new(version);
                    for name in names() {
                        matcher.hides(name.as_bytes());
                    }
                }
            }
        }
        2 => {
            if let Ok(patterns) = version_script::parse_dynamic_list(&text, Path::new("list")) {
                let matcher = Matcher::of_list(&patterns);
                for name in names() {
                    matcher.find(name.as_bytes());
                }
            }
        }
        3 => {
            expression::parse(&text).ok();
            expression::assignment(&text).ok();
            expression::number(&text);
        }
        // The demangler tries in turn what a name may mean: of a long one, the sanitizer makes seconds.
        _ if text.len() <= 120 => drop(demangle(&text)),
        _ => return Corpus::Reject,
    }
    Corpus::Keep
});
