//! Sections -> classes: where in the image a section belongs.

use object::elf;
use shared::record::Class;

/// Class, position among the blocks of the class, and whether the section's own name is that of its output
/// section. `None`: not part of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    pub class: Class,
    pub priority: u32,
    pub named: bool,
    /// An array of the old kind, which runs from its end: `.ctors` and `.dtors`.
    pub reversed: bool,
}

/// Entries without a number run after those with one (gABI, "Initialization and Termination Functions").
const UNNUMBERED: u32 = 65536;

pub fn home(name: &[u8], kind: u32, flags: u64) -> Option<Home> {
    let has = |flag: u32| flags & u64::from(flag) != 0;
    if !has(elf::SHF_ALLOC) || has(elf::SHF_EXCLUDE) || name == b".note.gnu.property" {
        return None;
    }
    let simple = |class| Some(Home { class, priority: 0, named: false, reversed: false });
    // Nearly all there are: functions and constants with sections of their own.
    if kind == elf::SHT_PROGBITS && !has(elf::SHF_TLS) && name.starts_with(b".") {
        match (has(elf::SHF_EXECINSTR), has(elf::SHF_WRITE)) {
            (true, _) if name.starts_with(b".text") => return simple(Class::Text),
            (false, false) if name.starts_with(b".rodata") => return simple(Class::RoData),
            _ => {}
        }
    }
    let array = |class, priority, reversed| Some(Home { class, priority, named: false, reversed });
    let starts = |prefix: &[u8]| {
        name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"."))
    };
    let number = |prefix: &[u8]| {
        let digits = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(b"."));
        digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u32>().ok())
    };
    let nobits = kind == elf::SHT_NOBITS;
    if has(elf::SHF_TLS) {
        return simple(if nobits { Class::TlsBss } else { Class::TlsData });
    }
    if kind == elf::SHT_PREINIT_ARRAY || starts(b".preinit_array") {
        return simple(Class::PreinitArray);
    }
    if kind == elf::SHT_INIT_ARRAY || starts(b".init_array") {
        return array(Class::InitArray, number(b".init_array").unwrap_or(UNNUMBERED), false);
    }
    if kind == elf::SHT_FINI_ARRAY || starts(b".fini_array") {
        return array(Class::FiniArray, number(b".fini_array").unwrap_or(UNNUMBERED), false);
    }
    // The old arrays run in the order of falling numbers.
    if starts(b".ctors") {
        let priority = number(b".ctors").map_or(UNNUMBERED, |number| 65535_u32.saturating_sub(number));
        return array(Class::InitArray, priority, true);
    }
    if starts(b".dtors") {
        let priority = number(b".dtors").map_or(UNNUMBERED, |number| 65535_u32.saturating_sub(number));
        return array(Class::FiniArray, priority, true);
    }
    if kind == elf::SHT_X86_64_UNWIND || name == b".eh_frame" {
        return simple(Class::EhFrame);
    }
    let named = is_c_identifier(name);
    let with_name = |class| Some(Home { class, priority: 0, named: true, reversed: false });
    if has(elf::SHF_EXECINSTR) {
        return match name {
            b".init" => simple(Class::Init),
            b".fini" => simple(Class::Fini),
            _ if named => with_name(Class::NamedText),
            _ => simple(Class::Text),
        };
    }
    if has(elf::SHF_WRITE) {
        return if starts(b".data.rel.ro") || name == b".jcr" {
            simple(Class::RelRo)
        } else if named || name == b".tm_clone_table" {
            with_name(Class::NamedData)
        } else {
            simple(if nobits { Class::Bss } else { Class::Data })
        };
    }
    match kind {
        elf::SHT_NOTE => simple(Class::Note),
        _ if named => with_name(Class::NamedRo),
        _ if starts(b".gcc_except_table") => simple(Class::ExceptTable),
        _ => simple(Class::RoData),
    }
}

/// The output section that GNU ld has for a class.
pub fn class_name(class: Class) -> &'static str {
    match class {
        Class::DynamicTables => ".dynsym",
        Class::Note => ".note",
        Class::NamedRo | Class::RoData => ".rodata",
        Class::EhFrame => ".eh_frame",
        Class::ExceptTable => ".gcc_except_table",
        Class::Plt => ".plt",
        Class::Init => ".init",
        Class::Text | Class::NamedText => ".text",
        Class::Fini => ".fini",
        Class::TlsData => ".tdata",
        Class::TlsBss => ".tbss",
        Class::PreinitArray => ".preinit_array",
        Class::InitArray => ".init_array",
        Class::FiniArray => ".fini_array",
        Class::RelRo => ".data.rel.ro",
        Class::Dynamic => ".dynamic",
        Class::Got => ".got",
        Class::GotPlt => ".got.plt",
        Class::NamedData | Class::Data => ".data",
        Class::Bss => ".bss",
    }
}

/// Whether `__start_` and `__stop_` symbols can be made of a section's name (GNU ld's manual, "Input Section
/// Example").
pub fn is_c_identifier(name: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    name.first().is_some_and(letter) && name.iter().all(|byte| letter(byte) || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_flags_decide() {
        let alloc = u64::from(elf::SHF_ALLOC);
        let write = alloc | u64::from(elf::SHF_WRITE);
        let class = |name: &[u8], flags| home(name, elf::SHT_PROGBITS, flags).map(|home| home.class);
        assert_eq!(class(b".debug_info", 0), None);
        assert_eq!(class(b".rodata.str1.1", alloc), Some(Class::RoData));
        assert_eq!(class(b".data.rel.ro.local", write), Some(Class::RelRo));
        assert_eq!(class(b".gcc_except_table._Z1fv", alloc), Some(Class::ExceptTable));
        assert_eq!(class(b"my_list", write), Some(Class::NamedData));
        assert_eq!(class(b".data.foo", write), Some(Class::Data));
        let numbered = home(b".init_array.00101", elf::SHT_INIT_ARRAY, write).unwrap();
        assert_eq!((numbered.class, numbered.priority), (Class::InitArray, 101));
        let old = home(b".ctors.65434", elf::SHT_PROGBITS, write).unwrap();
        assert_eq!((old.priority, old.reversed), (101, true));
    }
}
