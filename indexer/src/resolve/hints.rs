//! Undefined symbol -> what the programmer may have meant.

use super::{Definition, Resolution, SymbolId};
use crate::inputs::Inputs;
use crate::message::Messages;
use crate::object::show;
use std::collections::HashMap;

/// Who defines a name.
#[derive(Clone, Copy)]
enum Definer {
    Object(u32),
    /// Only inside this object.
    Local(u32),
    Library(u32),
}

/// The names that the inputs of a link define.
pub struct Names<'a> {
    resolution: &'a Resolution<'a>,
    inputs: &'a Inputs,
    defined: HashMap<&'a [u8], Definer>,
}

impl<'a> Names<'a> {
    pub fn new(resolution: &'a Resolution<'a>, inputs: &'a Inputs) -> Self {
        let mut defined = HashMap::new();
        for symbol in resolution.symbols.iter().filter(|symbol| !symbol.is_local()) {
            if matches!(symbol.definition, Definition::Object { .. } | Definition::Common { .. }) {
                defined.insert(symbol.name, Definer::Object(symbol.mention.0));
            }
        }
        for (library, input) in inputs.shared.iter().enumerate() {
            for symbol in input.library.symbols.iter().filter(|symbol| !symbol.is_undefined) {
                defined.entry(symbol.name).or_insert(Definer::Library(library as u32));
            }
        }
        for (object, view) in resolution.objects.iter().enumerate() {
            for function in view.functions {
                defined.entry(view.string(function.name)).or_insert(Definer::Local(object as u32));
            }
        }
        Self { resolution, inputs, defined }
    }

    /// What is said below an undefined symbol.
    pub fn hints(&self, id: SymbolId, messages: &Messages<'_>) -> Vec<String> {
        let symbol = &self.resolution.symbols[id as usize];
        let name = symbol.name;
        let mut hints = Vec::new();
        if name.starts_with(b"_ZTV") {
            hints.push(
                "the vtable symbol may be undefined because the class is missing its key function (the first \
                 virtual function that is not inline or pure)"
                    .to_owned(),
            );
        }
        match self.defined.get(name) {
            Some(Definer::Library(library)) => {
                let file = self.file(*library);
                let why = if symbol.is_hidden() {
                    "but it is declared with hidden visibility here, so it has to be defined in the program"
                } else {
                    "but not in the version that a reference without a version means"
                };
                hints.push(format!("defined in: {file}, {why}"));
                return hints;
            }
            Some(Definer::Local(object)) => {
                let file = messages.object_name(*object as usize);
                hints.push(format!("defined in: {file}, but local to it (static)"));
                return hints;
            }
            _ => {}
        }
        let Some((meant, definer, is_plain_c)) = self.similar(name) else { return hints };
        let quoted = messages.name(meant);
        hints.push(if is_plain_c {
            format!("did you mean: extern \"C\" {quoted}")
        } else {
            format!("did you mean: {quoted}")
        });
        hints.push(match definer {
            Definer::Object(object) => format!("defined in: {}", messages.object_name(object as usize)),
            Definer::Local(object) => {
                format!("defined in: {}, but local to it (static)", messages.object_name(object as usize))
            }
            Definer::Library(library) => format!("defined in: {}", self.file(library)),
        });
        hints
    }

    fn file(&self, library: u32) -> std::path::Display<'_> {
        self.inputs.files[self.inputs.shared[library as usize].file as usize].path.display()
    }

    /// A defined name like this one, and whether it is a C name that was declared in C++.
    fn similar(&self, name: &[u8]) -> Option<(&'a [u8], Definer, bool)> {
        // `_Z3fooi` for `foo`.
        if let Some((plain, definer)) = cpp_function(name).and_then(|plain| self.defined.get_key_value(plain))
        {
            return Some((plain, *definer, true));
        }
        let mangled = [format!("_Z{}", name.len()).as_bytes(), name].concat();
        // Short names are like each other by chance.
        let allowed = match name.len() {
            ..3 => 0,
            3..8 => 1,
            _ => 2,
        };
        let mut best: Option<(usize, &[u8], Definer)> = None;
        for (other, definer) in &self.defined {
            let differences = if other.starts_with(&mangled) || other.eq_ignore_ascii_case(name) {
                Some(0)
            } else {
                distance(name, other, allowed)
            };
            // Of equals the first in the alphabet, so that a link always says the same.
            if let Some(differences) = differences
                && best.is_none_or(|(least, best, _)| (differences, *other) < (least, best))
            {
                best = Some((differences, other, *definer));
            }
        }
        best.map(|(_, other, definer)| (other, definer, false))
    }
}

/// The name of a C++ function outside of namespaces and classes (Itanium C++ ABI, "Mangling").
fn cpp_function(name: &[u8]) -> Option<&[u8]> {
    let rest = name.strip_prefix(b"_Z")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let len: usize = show(&rest[..digits]).parse().ok()?;
    rest.get(digits..digits.checked_add(len)?)
}

/// How many letters have to be changed, added or removed, or swapped with their neighbours, if not more than `most`.
pub fn distance(a: &[u8], b: &[u8], most: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut before: Vec<usize> = vec![usize::MAX / 2; b.len() + 1];
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.iter().enumerate() {
        let mut next = vec![i + 1; b.len() + 1];
        for j in 0..b.len() {
            let change = row[j] + usize::from(*letter != b[j]);
            next[j + 1] = change.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *letter == b[j - 1] && a[i - 1] == b[j] {
                next[j + 1] = next[j + 1].min(before[j - 1] + 1);
            }
        }
        if next.iter().min().is_none_or(|least| *least > most) {
            return None;
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().filter(|differences| *differences <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance(b"print", b"print", 2), Some(0));
        assert_eq!(distance(b"print", b"pritn", 1), Some(1));
        assert_eq!(distance(b"print", b"sprint", 1), Some(1));
        assert_eq!(distance(b"print", b"pant", 2), Some(2));
        assert_eq!(distance(b"print", b"flint", 1), None);
    }

    #[test]
    fn names_of_cpp_functions() {
        assert_eq!(cpp_function(b"_Z3fooi"), Some(&b"foo"[..]));
        assert_eq!(cpp_function(b"_Z9fooi"), None);
        assert_eq!(cpp_function(b"_ZN1a3fooEv"), None);
    }
}
