//! What somebody wrote -> what is meant: a symbol, an address, an object, a section of an object.

use super::program::{Mention, Program, Spot, readable};
use super::source;
use anyhow::{Result, anyhow, bail};
use indexer::object::{name_hash, show};
use indexer::resolve::hints::distance;
use memchr::memmem;
use rayon::prelude::*;
use shared::ImageAddr;
use std::collections::BTreeSet;

/// What is to be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Address(u64),
    /// A name of the program: its slot.
    Global(u32),
    /// A function that only its object knows by name: its number there.
    Local {
        object: u32,
        function: u32,
    },
    Object(u32),
    /// A whole section of an object.
    Section {
        object: u32,
        section: u32,
    },
    Spot(Spot),
}

/// How well a name fits what was asked for. The best that there are count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// As it is written in the source.
    Readable,
    /// The same without parameters.
    Path,
    /// The last part of the path.
    Last,
    Part,
}

/// A name and what it stands for.
struct Candidate {
    name: &'static [u8],
    subject: Subject,
}

/// How many names are shown when several fit.
const SHOWN: usize = 20;

/// The number that an address is written as.
pub fn address(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?, 16).ok()
}

/// What `what` means; several things only if `all`.
pub fn find(program: &Program, what: &str, all: bool) -> Result<Vec<Subject>> {
    if let Some(address) = address(what) {
        if !program.has(address) {
            let header = program.plan.header;
            bail!(
                "{}: {what} is not in the image, which is {:#x} to {:#x}",
                program.app.display(),
                header.base.0,
                header.limit.0
            );
        }
        return Ok(vec![Subject::Address(address)]);
    }
    let exact = exact(program, what);
    if !exact.is_empty() {
        return one_or_all(program, what, exact, all);
    }
    let objects = objects(program, what);
    if !objects.is_empty() {
        return one_or_all(program, what, objects, all);
    }
    if let Some(spots) = spots(program, what)? {
        return one_or_all(program, what, spots, all);
    }
    // The index lists no local variables; the objects do.
    let variables =
        program.live().into_par_iter().flat_map_iter(|object| source::locals(program, object, what));
    let variables: Vec<Subject> = variables.map(Subject::Spot).collect();
    if !variables.is_empty() {
        return one_or_all(program, what, variables, all);
    }
    let parts = by_part(program, what);
    if !parts.is_empty() {
        return one_or_all(program, what, parts, all);
    }
    let similar = similar(program, what);
    let hint = match similar.is_empty() {
        true => "nor like this".to_owned(),
        false => format!("did you mean: {}", similar.join(", ")),
    };
    bail!("{}: no symbol, object or section is called {what} ({hint})", program.app.display())
}

fn one_or_all(program: &Program, what: &str, found: Vec<Subject>, all: bool) -> Result<Vec<Subject>> {
    if found.len() == 1 || all {
        return Ok(found);
    }
    let mut lines: Vec<String> = found.iter().take(SHOWN).map(|subject| line(program, subject)).collect();
    if found.len() > SHOWN {
        lines.push(format!("and {} more", found.len() - SHOWN));
    }
    Err(anyhow!(
        "{}: {what} may be any of {}; name one by its address, or say --all:\n  {}",
        program.app.display(),
        found.len(),
        lines.join("\n  ")
    ))
}

/// A candidate, in a list of them.
fn line(program: &Program, subject: &Subject) -> String {
    let at = |address: Option<u64>| address.map_or("-".to_owned(), |address| format!("{address:#x}"));
    match *subject {
        Subject::Address(address) => format!("{address:#x}"),
        Subject::Global(number) => {
            let name = program.slot_name(number).unwrap_or_default();
            let slot = program.slot(number).copied().unwrap_or_default();
            let name = show(name).into_owned();
            let address = at(Some(slot.value).filter(|value| *value != 0));
            format!("{address}  {}  {}", readable(&name), program.object_name(slot.object))
        }
        Subject::Local { object, function } => {
            let found = program.record(object).and_then(|record| {
                let function = record.functions.get(function as usize)?;
                let name = show(record.string(function.name)).into_owned();
                Some((name, Spot { object, section: function.section, offset: function.value }))
            });
            let Some((name, spot)) = found else { return program.object_name(object) };
            format!("{}  {}  {}", at(program.address(spot)), readable(&name), program.object_name(object))
        }
        Subject::Object(object) => program.object_name(object),
        Subject::Section { object, section } => {
            format!("{}:({})", program.object_name(object), program.section_name(object, section))
        }
        Subject::Spot(spot) => format!("{}  {}", at(program.address(spot)), program.spot_name(spot)),
    }
}

/// The symbols with exactly this name.
fn exact(program: &Program, what: &str) -> Vec<Subject> {
    let (name, hash) = (what.as_bytes(), name_hash(what.as_bytes()));
    let of_object = |object: &u32| {
        let mut found = Vec::new();
        let Some(record) = program.record(*object) else { return found };
        for (number, global) in (0u32..).zip(record.globals) {
            let mention = Mention { object: *object, global: number };
            if global.hash == hash && record.string(global.name) == name {
                found.extend(program.slot_number(mention).map(Subject::Global));
            }
        }
        for (number, function) in (0u32..).zip(record.functions) {
            let place = program.plan.placement(*object, function.section);
            if record.string(function.name) == name && place.is_some_and(|place| place.is_live()) {
                found.push(Subject::Local { object: *object, function: number });
            }
        }
        found
    };
    let all: Vec<Subject> = program.live().par_iter().flat_map_iter(of_object).collect();
    // References under --wrap are bound to another name.
    let named: BTreeSet<u32> = all.iter().filter_map(|subject| slot_of(subject, program, name)).collect();
    let locals = all.iter().filter(|subject| matches!(subject, Subject::Local { .. })).copied();
    let mut found: Vec<Subject> = named.into_iter().map(Subject::Global).chain(locals).collect();
    if found.is_empty() {
        let globals: BTreeSet<u32> = all.iter().filter_map(global).collect();
        found.extend(globals.into_iter().map(Subject::Global));
    }
    found
}

fn global(subject: &Subject) -> Option<u32> {
    match subject {
        Subject::Global(slot) => Some(*slot),
        _ => None,
    }
}

fn slot_of(subject: &Subject, program: &Program, name: &[u8]) -> Option<u32> {
    global(subject).filter(|slot| program.slot_name(*slot) == Some(name))
}

/// The objects with this path, end of a path, or name in an archive: `main.o`, `lib.a(part.o)`, `part.o`.
fn objects(program: &Program, what: &str) -> Vec<Subject> {
    let (file, member) = match what.strip_suffix(')').and_then(|what| what.split_once('(')) {
        Some((file, member)) => (file, Some(member)),
        None => (what, None),
    };
    let mut found: Vec<u32> = program.live();
    found.retain(|object| {
        let Some((path, name)) = program.file_of(*object) else { return false };
        match member {
            Some(member) => path.ends_with(file) && name == member.as_bytes(),
            // All of an archive, or a member of any.
            None => path.ends_with(file) || name == file.as_bytes(),
        }
    });
    found.sort_by_key(|object| program.position(*object));
    found.into_iter().map(Subject::Object).collect()
}

/// `OBJECT:(SECTION+0xOFFSET)`, as messages of ld have it, or `OBJECT:SECTION`.
fn spots(program: &Program, what: &str) -> Result<Option<Vec<Subject>>> {
    let Some((object, rest)) = what.rsplit_once(':').filter(|(object, _)| !object.ends_with(':')) else {
        return Ok(None);
    };
    let objects = objects(program, object);
    if objects.is_empty() {
        return Ok(None);
    }
    let rest = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(rest);
    let (section, offset) = match rest.rsplit_once('+').map(|(name, offset)| (name, address(offset))) {
        Some((name, Some(offset))) => (name, Some(offset)),
        _ => (rest, None),
    };
    let mut found = Vec::new();
    for object in objects.iter().filter_map(|subject| match subject {
        Subject::Object(object) => Some(*object),
        _ => None,
    }) {
        let Some(record) = program.record(object) else { continue };
        for (number, rec) in (0u32..).zip(record.sections) {
            if record.string(rec.name) != section.as_bytes() {
                continue;
            }
            match offset {
                None => found.push(Subject::Section { object, section: number }),
                Some(offset) if offset < rec.size => {
                    found.push(Subject::Spot(Spot { object, section: number, offset }));
                }
                Some(_) => {}
            }
        }
    }
    if found.is_empty() {
        bail!("{}: {object} has no section called {section}, or it is shorter", program.app.display());
    }
    Ok(Some(found))
}

/// All names of the program: each global once, and local functions that are part of it.
fn names(program: &Program) -> Vec<Candidate> {
    let slots = (0..program.plan.slots.len() as u32).into_par_iter();
    let globals = slots.filter_map(|number| {
        let name = program.slot_name(number)?;
        Some(Candidate { name, subject: Subject::Global(number) })
    });
    let locals = program.live().into_par_iter().flat_map_iter(|object| {
        let record = program.record(object);
        let functions = record.into_iter().flat_map(|record| {
            (0u32..).zip(record.functions).map(move |(number, function)| (record, number, function))
        });
        functions.filter_map(move |(record, function, rec)| {
            let place = program.plan.placement(object, rec.section).filter(|place| place.is_live())?;
            (place.addr() != ImageAddr(0)).then(|| Candidate {
                name: record.string(rec.name),
                subject: Subject::Local { object, function },
            })
        })
    });
    globals.chain(locals).collect()
}

/// The names that fit best.
fn by_part(program: &Program, what: &str) -> Vec<Subject> {
    // Identifiers stand in mangled names as they are: what has not the longest of them need not be demangled.
    let words = what.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let is_name =
        |word: &&str| !BUILT_IN.contains(word) && !word.starts_with(|first: char| first.is_ascii_digit());
    let key = words.filter(is_name).max_by_key(|word| word.len()).unwrap_or("");
    let key = memmem::Finder::new(key.as_bytes());
    let fits = |candidate: Candidate| {
        key.find(candidate.name)?;
        let name = readable(&show(candidate.name));
        fit(&name, what).map(|fit| (fit, name, candidate.subject))
    };
    let mut found: Vec<(Fit, String, Subject)> = names(program).into_par_iter().filter_map(fits).collect();
    let best = found.iter().map(|(fit, ..)| *fit).min();
    found.retain(|(fit, ..)| Some(*fit) == best);
    found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    found.into_iter().map(|(_, _, subject)| subject).collect()
}

/// Words of names that mangling writes otherwise.
const BUILT_IN: [&str; 34] = [
    "operator",
    "const",
    "volatile",
    "unsigned",
    "signed",
    "char",
    "short",
    "int",
    "long",
    "float",
    "double",
    "bool",
    "void",
    "std",
    "string",
    "new",
    "delete",
    "vtable",
    "typeinfo",
    "for",
    "name",
    "dyn",
    "mut",
    "str",
    "as",
    "impl",
    "closure",
    "shim",
    "anonymous",
    "namespace",
    "allocator",
    "basic_string",
    "basic_istream",
    "basic_ostream",
];

fn fit(name: &str, what: &str) -> Option<Fit> {
    let path = without_parameters(name);
    match () {
        () if name == what => Some(Fit::Readable),
        () if path == what => Some(Fit::Path),
        () if path.strip_suffix(what).is_some_and(|front| front.ends_with("::")) => Some(Fit::Last),
        () if name.strip_suffix(what).is_some_and(|front| front.ends_with("::")) => Some(Fit::Last),
        () if name.contains(what) => Some(Fit::Part),
        () => None,
    }
}

/// `ns::f(int)` -> `ns::f`.
fn without_parameters(name: &str) -> &str {
    let mut depth = 0usize;
    for (at, letter) in name.char_indices() {
        match letter {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            '(' if depth == 0 && at > 0 && !name[at..].starts_with("(anonymous") => return &name[..at],
            _ => {}
        }
    }
    name
}

/// Names like this one.
fn similar(program: &Program, what: &str) -> Vec<String> {
    const MOST: usize = 3;
    let allowed = match what.len() {
        ..3 => 0,
        3..8 => 1,
        _ => 2,
    };
    let wanted = what.rsplit("::").next().unwrap_or(what);
    let wanted = without_parameters(wanted).as_bytes();
    let near = |candidate: Candidate| {
        let words = identifiers(candidate.name);
        let least = words.into_iter().filter_map(|word| distance(wanted, word, allowed)).min()?;
        Some((least, readable(&show(candidate.name))))
    };
    let mut found: Vec<(usize, String)> = names(program).into_par_iter().filter_map(near).collect();
    found.sort();
    found.dedup();
    found.into_iter().take(MOST).map(|(_, name)| name).collect()
}

/// The identifiers in a mangled name, each of which has its length in front of it; else the name itself.
fn identifiers(name: &[u8]) -> Vec<&[u8]> {
    if !name.starts_with(b"_Z") && !name.starts_with(b"_R") {
        return vec![name];
    }
    let (mut found, mut at) = (Vec::new(), 2);
    while at < name.len() {
        let digits = name[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            at += 1;
            continue;
        }
        let len: usize = show(&name[at..at + digits]).parse().unwrap_or(0);
        at += digits;
        let word = name.get(at..at.saturating_add(len)).unwrap_or_default();
        found.push(word);
        at += word.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_told_from_paths() {
        assert_eq!(without_parameters("ns::f(int, char)"), "ns::f");
        assert_eq!(without_parameters("f<g(int)>::h(void (*)())"), "f<g(int)>::h");
        assert_eq!(without_parameters("(anonymous namespace)::f(int)"), "(anonymous namespace)::f");
        assert_eq!(without_parameters("a::(anonymous namespace)::f(int)"), "a::(anonymous namespace)::f");
        assert_eq!(without_parameters("core::fmt::write"), "core::fmt::write");
    }

    #[test]
    fn names_fit_more_or_less() {
        assert_eq!(fit("ns::f(int)", "ns::f(int)"), Some(Fit::Readable));
        assert_eq!(fit("ns::f(int)", "ns::f"), Some(Fit::Path));
        assert_eq!(fit("ns::f(int)", "f"), Some(Fit::Last));
        assert_eq!(fit("ns::f(int)", "f(int)"), Some(Fit::Last));
        assert_eq!(fit("ns::of(int)", "f(i"), Some(Fit::Part));
        assert_eq!(fit("ns::g(int)", "f"), None);
    }

    #[test]
    fn identifiers_of_mangled_names() {
        assert_eq!(identifiers(b"_ZN2ns5CountEi"), [&b"ns"[..], b"Count"]);
        assert_eq!(identifiers(b"plain"), [&b"plain"[..]]);
        assert_eq!(identifiers(b"_Z9x"), [&b""[..]]);
    }
}
