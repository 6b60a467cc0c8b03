//! Which functions of libc the loader may stand in front of ([`shared::guards`]).

use super::{Definition, Resolution, Symbol, SymbolId};
use crate::args::Request;
use crate::inputs::Inputs;
use crate::object::{calls, name_hash};
use shared::guards::GUARDS;
use shared::record::{ObjectView, flag, uses};
use std::collections::HashSet;

/// By which the loader finds what comes after the program in the order of search.
pub const SEARCH: &[u8] = b"dlsym";

/// Functions of the runtimes of sanitizers, which take the fault signals for themselves.
pub const RUNTIMES: [&[u8]; 5] =
    [b"__asan_init", b"__tsan_init", b"__msan_init", b"__hwasan_init", b"__lsan_init"];

/// What an executable has of the guards.
#[derive(Default)]
pub struct Guards {
    /// Numbers in [`GUARDS`] of the functions that a library of the program defines, and the program does not.
    pub numbers: Vec<usize>,
    /// The program brings a function itself that the loader would have to stand in front of.
    pub has_own: bool,
    /// [`SEARCH`], which the image gets an entry of the GOT for.
    pub search: Option<SymbolId>,
}

/// Chooses them, and has [`SEARCH`] imported. Without that function there are none: in a static program, and where a
/// library that is not needed otherwise defines it.
pub fn guards<'a>(request: &Request, inputs: &'a Inputs, resolution: &mut Resolution<'a>) -> Guards {
    if request.shared || request.is_static {
        return Guards::default();
    }
    let used: HashSet<u32> = resolution.symbols.iter().filter(|symbol| symbol.strongly_wanted).fold(
        HashSet::new(),
        |mut used, symbol| {
            if let Definition::Shared { library, .. } = symbol.definition {
                used.insert(library);
            }
            used
        },
    );
    let is_needed = |library: u32| !inputs.shared[library as usize].as_needed || used.contains(&library);
    let symbols = (0..inputs.shared.len() as u32).filter(|library| is_needed(*library)).flat_map(|library| {
        let symbols = inputs.shared[library as usize].library.symbols.iter();
        let defined = symbols.enumerate().filter(|(_, symbol)| !symbol.is_undefined && symbol.is_default);
        defined.map(move |(number, symbol)| (symbol.name, library, number as u32))
    });
    let (mut search, mut there) = (None, HashSet::new());
    for (name, library, number) in symbols {
        if name == SEARCH {
            search = search.or(Some(Definition::Shared { library, symbol: number }));
        }
        there.insert(name);
    }
    let is_own =
        |name: &[u8]| resolution.find(name).is_some_and(|id| is_defined(&resolution.symbols[id as usize]));
    let has_own = GUARDS.iter().any(|guard| guard.rule.is_about_process() && is_own(guard.name.to_bytes()));
    let none = Guards { has_own, ..Guards::default() };
    let Some(found) = search else { return none };
    let id = resolution.intern(SEARCH, name_hash(SEARCH));
    let symbol = &mut resolution.symbols[id as usize];
    match symbol.definition {
        Definition::None if !symbol.is_hidden() => {
            symbol.definition = found;
            symbol.kind = object::elf::STT_FUNC;
        }
        Definition::Shared { .. } => {}
        // The program brings its own.
        _ => return none,
    }
    symbol.referenced = true;
    symbol.uses |= uses::GOT | uses::REFERRED;
    let is_own =
        |name: &[u8]| resolution.find(name).is_some_and(|id| is_defined(&resolution.symbols[id as usize]));
    let is_one = |number: &usize| {
        let name = GUARDS[*number].name.to_bytes();
        there.contains(name) && !is_own(name)
    };
    Guards { numbers: (0..GUARDS.len()).filter(is_one).collect(), search: Some(id), has_own }
}

/// Whether the loader may stand in front of a function of this name.
pub fn is_guarded(name: &[u8]) -> bool {
    GUARDS.iter().any(|guard| guard.name.to_bytes() == name)
}

/// Whether the program itself defines a symbol.
fn is_defined(symbol: &Symbol<'_>) -> bool {
    !matches!(symbol.definition, Definition::None | Definition::Shared { .. })
}

/// Whether the program may take the fault signals for itself without a call that the loader could stand in front of: the
/// runtimes of sanitizers do, functions of its own in the place of libc's, and system calls in the code of the program or its
/// libraries may: in a static program that is all of libc's.
pub fn takes_signals(
    request: &Request,
    inputs: &Inputs,
    resolution: &Resolution<'_>,
    guards: &Guards,
) -> bool {
    // libc's own hold signals back while nothing but libc's code runs.
    let is_libc = |soname: &[u8]| LIBC.iter().any(|libc| soname.starts_with(libc));
    let library_asks = || {
        let others = inputs.shared.iter().filter(|input| !is_libc(&input.library.soname));
        let mut code = others.flat_map(|input| &input.library.code);
        code.any(|code| calls::seems_to_be_about_signals(code))
    };
    let has_runtime = RUNTIMES.iter().any(|name| resolution.find(name).is_some());
    let asks_itself = |object: &ObjectView<'_>| object.header.flags & flag::SYSTEM_CALLS != 0;
    request.is_static
        || guards.has_own
        || has_runtime
        || resolution.objects.iter().any(asks_itself)
        || library_asks()
}

/// How the names of libraries begin that are parts of libc.
const LIBC: [&[u8]; 7] =
    [b"libc.so.", b"ld-linux", b"libpthread.so.", b"librt.so.", b"libdl.so.", b"libanl.so.", b"libm.so."];
