//! What a version script or a dynamic list says about a symbol, in GNU ld's order of precedence.

use super::glob::Globs;
use super::{Kind, Language, Pattern, Version, VersionScript};
use std::collections::HashMap;

/// What becomes of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is exported with this version number: 1 without a version, else 2 for the first.
    Global(u16),
    Local,
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
pub type Rank = (bool, bool, u16);

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

#[cfg(test)]
mod tests {
    use super::super::{parse, parse_dynamic_list};
    use super::*;
    use Verdict::{Global, Local};
    use anyhow::Result;
    use std::path::Path;

    fn read(text: &str) -> Result<VersionScript> {
        parse(text, Path::new("map"))
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
}
