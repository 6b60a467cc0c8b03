//! The keywords of `-z` (GNU ld's manual, "-z keyword").

use super::Request;
use super::table::{Described, Fate};
use anyhow::{Result, bail};
use object::elf;

/// What becomes of a keyword.
#[derive(Clone, Copy)]
enum Effect {
    /// Sets these bits of DT_FLAGS and DT_FLAGS_1.
    Flags(u32, u32),
    Set(fn(&mut Request)),
    /// Takes a number.
    Number(fn(&mut Request, u64)),
    /// Known not to matter for a lazily linked program; with a value if its name ends in `=`.
    Ignored,
    /// The whole link is handed to the system's linker.
    HandedOn,
}

use Effect::{Flags, HandedOn, Ignored, Number, Set};

/// Undefined symbols are errors, or nowhere.
pub fn undefined(request: &mut Request, reported: bool) {
    (request.unresolved.in_objects, request.no_undefined) = (reported, reported);
}

const TABLE: &[(&str, Effect, &str)] = &[
    (
        "defs",
        Set(|request| undefined(request, true)),
        "undefined symbols are errors, in shared libraries too",
    ),
    ("undefs", Set(|request| undefined(request, false)), "undefined symbols are no errors"),
    ("nodefs", Set(|request| undefined(request, false)), "same as undefs"),
    ("muldefs", Set(|request| request.allow_multiple = true), "the first definition counts"),
    ("execstack", Set(|request| request.exec_stack = Some(true)), "executable stack"),
    ("noexecstack", Set(|request| request.exec_stack = Some(false)), "stack that is not executable"),
    (
        "stack-size=",
        Number(|request, size| request.stack_size = size),
        "stack of threads, for some C libraries",
    ),
    ("nognustack", Set(|request| request.stack_header = false), "say nothing of the stack"),
    ("relro", Set(|request| request.relro = true), "tables are read-only once they are relocated"),
    ("norelro", Set(|request| request.relro = false), "tables stay writable"),
    ("now", Set(|request| request.bind_now = true), "bind libraries' functions at the start"),
    ("lazy", Set(|request| request.bind_now = false), "bind libraries' functions when they are called first"),
    ("origin", Flags(elf::DF_ORIGIN, elf::DF_1_ORIGIN), "$ORIGIN is needed"),
    ("global", Flags(0, elf::DF_1_GLOBAL), "DF_1_GLOBAL"),
    ("globalaudit", Flags(0, elf::DF_1_GLOBAUDIT), "DF_1_GLOBAUDIT"),
    ("interpose", Flags(0, elf::DF_1_INTERPOSE), "DF_1_INTERPOSE"),
    ("loadfltr", Flags(0, elf::DF_1_LOADFLTR), "DF_1_LOADFLTR"),
    ("nodefaultlib", Flags(0, elf::DF_1_NODEFLIB), "do not look for libraries in the system's folders"),
    ("nodump", Flags(0, elf::DF_1_NODUMP), "DF_1_NODUMP"),
    ("initfirst", Flags(0, elf::DF_1_INITFIRST), "initialise the shared library before all others"),
    ("nodelete", Flags(0, elf::DF_1_NODELETE), "dlclose does not unload the shared library"),
    ("nodlopen", Flags(0, elf::DF_1_NOOPEN), "dlopen does not load the shared library"),
    ("unique", Ignored, "of no meaning in an executable"),
    ("nounique", Ignored, ""),
    ("max-page-size=", Ignored, "the image has its own layout"),
    ("common-page-size=", Ignored, "the image has its own layout"),
    ("separate-code", Ignored, "always"),
    ("noseparate-code", Ignored, "the image has its own layout"),
    ("separate-loadable-segments", Ignored, "always"),
    ("text", Ignored, "code is never relocated by the dynamic linker"),
    ("notext", Ignored, ""),
    ("textoff", Ignored, ""),
    ("combreloc", Ignored, ""),
    ("nocombreloc", Ignored, ""),
    ("copyreloc", Ignored, "always"),
    ("nocopyreloc", HandedOn, "no copies of libraries' variables"),
    ("common", Ignored, ""),
    ("nocommon", Ignored, ""),
    ("start-stop-gc", Ignored, "nothing is collected"),
    ("nostart-stop-gc", Ignored, ""),
    ("start-stop-visibility=", Ignored, "__start_ and __stop_ symbols are hidden"),
    ("unique-symbol", Ignored, ""),
    ("nounique-symbol", Ignored, ""),
    ("keep-text-section-prefix", Ignored, ""),
    ("nokeep-text-section-prefix", Ignored, ""),
    ("text-unlikely-segment", Ignored, ""),
    ("notext-unlikely-segment", Ignored, ""),
    ("pack-relative-relocs", Set(|request| request.relr = true), "DT_RELR in shared libraries"),
    ("nopack-relative-relocs", Set(|request| request.relr = false), "no DT_RELR"),
    ("report-relative-reloc", Ignored, ""),
    (
        "dead-reloc-in-nonalloc=",
        Ignored,
        "what debug information says of dead code is 0, or 1 in lists of ranges",
    ),
    ("rodynamic", Ignored, ""),
    ("sectionheader", Ignored, ""),
    ("nosectionheader", Ignored, ""),
    ("memory-seal", Ignored, ""),
    ("nomemory-seal", Ignored, ""),
    ("call-nop=", Ignored, ""),
    ("ibt", Ignored, "processors run the program without such checks"),
    ("ibtplt", Ignored, ""),
    ("shstk", Ignored, "processors run the program without such checks"),
    ("force-ibt", Ignored, ""),
    ("cet-report=", Ignored, ""),
    ("lam-u48", Ignored, ""),
    ("lam-u57", Ignored, ""),
    ("lam-u48-report=", Ignored, ""),
    ("lam-u57-report=", Ignored, ""),
    ("lam-report=", Ignored, ""),
    ("isa-level-report=", Ignored, ""),
    ("x86-64-baseline", Ignored, ""),
    ("x86-64-v2", Ignored, ""),
    ("x86-64-v3", Ignored, ""),
    ("x86-64-v4", Ignored, ""),
    ("mark-plt", Ignored, ""),
    ("nomark-plt", Ignored, ""),
    ("extern-protected-data", Ignored, "always"),
    ("noextern-protected-data", HandedOn, "protected variables of libraries"),
    ("indirect-extern-access", HandedOn, "protected variables of libraries"),
    ("noindirect-extern-access", Ignored, "always"),
    ("dynamic-undefined-weak", HandedOn, "weak symbols that nobody defines"),
    ("nodynamic-undefined-weak", HandedOn, "weak symbols that nobody defines"),
    ("noreloc-overflow", HandedOn, "addresses that do not fit"),
];

/// Takes a keyword. Returns whether the system's linker has to do the link.
pub fn take(request: &mut Request, keyword: &str) -> Result<bool> {
    let (name, value) = match keyword.split_once('=') {
        Some((name, value)) => (&keyword[..=name.len()], Some(value)),
        None => (keyword, None),
    };
    let Some((_, effect, _)) = TABLE.iter().find(|(known, ..)| *known == name) else {
        request.warnings.push(format!("-z {keyword} ignored"));
        return Ok(false);
    };
    match (effect, value) {
        (Flags(flags, flags_1), _) => {
            request.dynamic_flags.0 |= flags;
            request.dynamic_flags.1 |= flags_1;
        }
        (Set(set), _) => set(request),
        (Number(set), value) => match super::expression::number(value.unwrap_or_default()) {
            Some(number) => set(request, number),
            None => bail!("-z {keyword}: invalid number; write it as 65536, 0x10000 or 64K"),
        },
        (Ignored, _) => {}
        (HandedOn, _) => return Ok(true),
    }
    Ok(false)
}

/// All keywords.
pub fn described() -> impl Iterator<Item = Described> {
    TABLE.iter().map(|(name, effect, help)| {
        let fate = match effect {
            Flags(..) | Set(_) | Number(_) => Fate::Taken,
            Ignored => Fate::Ignored,
            HandedOn => Fate::HandedOn,
        };
        Described::new(format!("-z {name}"), fate, help)
    })
}
