//! The options of GNU ld, and what unfold does with each. `--help` and the manual are printed from here.

/// What becomes of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Read by [`super::request`].
    Taken,
    /// Known not to matter for a lazily linked program on this machine.
    Ignored,
    /// The whole link is handed to the system's linker.
    HandedOn,
    /// An error: neither we nor GNU ld can do it. The help says what to do instead.
    Refused,
}

/// How an option takes its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    None,
    /// `--name=value` or `--name value`; one-letter options also `-nvalue`.
    Required,
    /// `--name` or `--name=value`.
    Optional,
    /// All options that begin with the name, whatever they end in.
    Rest,
}

pub struct Row {
    /// Without dashes. One-letter options take one dash, others one or two.
    pub name: &'static str,
    pub value: Value,
    pub fate: Fate,
    pub help: &'static str,
}

pub const fn row(name: &'static str, value: Value, fate: Fate, help: &'static str) -> Row {
    Row { name, value, fate, help }
}

use Fate::{HandedOn, Ignored, Refused, Taken};
use Value::{None, Optional, Required, Rest};

pub static TABLE: &[Row] = &[
    row("o", Required, Taken, "write the executable to FILE"),
    row("output", Required, Taken, "same as -o"),
    row("l", Required, Taken, "link with the library libNAME"),
    row("library", Required, Taken, "same as -l"),
    row("L", Required, Taken, "look for libraries in DIR"),
    row("library-path", Required, Taken, "same as -L"),
    row("m", Required, Taken, "emulation: elf_x86_64; others are handed to the system's linker"),
    row("e", Required, Taken, "entry point"),
    row("entry", Required, Taken, "same as -e"),
    row("init", Required, Taken, "function that runs before main (default: _init)"),
    row("fini", Required, Taken, "function that runs at the end (default: _fini)"),
    row("u", Required, Taken, "treat SYMBOL as undefined, to load archive members"),
    row("undefined", Required, Taken, "same as -u"),
    row("require-defined", Required, Taken, "as -u, and an error if it stays undefined"),
    row("defsym", Required, Taken, "define SYMBOL=EXPRESSION: numbers, symbols, and distances from them"),
    row("wrap", Required, Taken, "bind SYMBOL to __wrap_SYMBOL, __real_SYMBOL to SYMBOL"),
    row("dynamic-linker", Required, Taken, "path of the dynamic linker"),
    row("I", Required, Taken, "same as --dynamic-linker"),
    row("no-dynamic-linker", None, Taken, "without a dynamic linker"),
    row("pie", None, Taken, "position-independent executable"),
    row("pic-executable", None, Taken, "same as --pie"),
    row("no-pie", None, Taken, "executable that lies below 2 GiB"),
    row("static", None, Taken, "use no shared libraries"),
    row("Bstatic", None, Taken, "look for archives only, from here on"),
    row("dn", None, Taken, "same as -Bstatic"),
    row("non_shared", None, Taken, "same as -Bstatic"),
    row("Bdynamic", None, Taken, "look for shared libraries too, from here on"),
    row("dy", None, Taken, "same as -Bdynamic"),
    row("call_shared", None, Taken, "same as -Bdynamic"),
    row("as-needed", None, Taken, "record shared libraries only if they are used, from here on"),
    row("no-as-needed", None, Taken, "record all shared libraries, from here on"),
    row("whole-archive", None, Taken, "load all members of archives, from here on"),
    row("no-whole-archive", None, Taken, "load members that are needed, from here on"),
    row("push-state", None, Taken, "remember the state of the options above"),
    row("pop-state", None, Taken, "go back to the remembered state"),
    row("start-group", None, Taken, "archives are searched until nothing new is found, in groups or not"),
    row("(", None, Taken, "same as --start-group"),
    row("end-group", None, Taken, "end of a group"),
    row(")", None, Taken, "same as --end-group"),
    row("Bno-symbolic", None, Taken, "others may define its symbols before it does"),
    row("start-lib", None, Taken, "objects up to --end-lib are loaded like archive members"),
    row("end-lib", None, Taken, "end of --start-lib"),
    row("export-dynamic", None, Taken, "export all global symbols"),
    row("E", None, Taken, "same as --export-dynamic"),
    row("no-export-dynamic", None, Taken, "export only what shared libraries use"),
    row("export-dynamic-symbol", Required, Taken, "export SYMBOL (a glob)"),
    row("dynamic-list", Required, Taken, "export the symbols listed in FILE"),
    row("version-script", Required, Taken, "symbol versions, and which symbols are local"),
    row("gc-sections", None, Taken, "dead code has no symbols, and what it alone wants is no error"),
    row("no-gc-sections", None, Taken, "all sections count as used"),
    row("z", Required, Taken, "keyword; see below"),
    row("rpath", Required, Taken, "run-time search path"),
    row("R", Required, Taken, "same as --rpath for a folder; for a file, as --just-symbols"),
    row("enable-new-dtags", None, Taken, "record run-time search paths as DT_RUNPATH"),
    row("disable-new-dtags", None, Taken, "record run-time search paths as DT_RPATH"),
    row("sysroot", Required, Taken, "prefix of paths that begin with ="),
    row("allow-multiple-definition", None, Taken, "the first definition counts"),
    row("unresolved-symbols", Required, Taken, "report-all, ignore-all, ignore-in-object-files, ..."),
    row("noinhibit-exec", None, Taken, "undefined and duplicate symbols are warnings"),
    row("warn-unresolved-symbols", None, Taken, "undefined symbols are warnings"),
    row("error-unresolved-symbols", None, Taken, "undefined symbols are errors"),
    row("no-undefined", None, Taken, "undefined symbols are errors, as they are anyway"),
    row("build-id", Optional, Taken, "write a build ID note"),
    row("T", Required, HandedOn, "linker script"),
    row("script", Required, HandedOn, "linker script"),
    row("t", None, Taken, "print the names of the files that are linked"),
    row("trace", None, Taken, "same as -t"),
    row("v", None, Taken, "print the version"),
    row("V", None, Taken, "print the version"),
    row("version", None, Taken, "print the version"),
    row("help", None, Taken, "print this"),
    row("verbose", Optional, Taken, "say what is done, and why"),
    row("shared", None, Taken, "shared library, rendered whole"),
    row("Bshareable", None, Taken, "same as --shared"),
    row("r", None, HandedOn, "relocatable output"),
    row("relocatable", None, HandedOn, "relocatable output"),
    row("i", None, HandedOn, "relocatable output"),
    row("Ur", None, HandedOn, "relocatable output"),
    row("oformat", Required, Taken, "others than elf64-x86-64 are handed to the system's linker"),
    row("N", None, HandedOn, "writable code"),
    row("omagic", None, HandedOn, "writable code"),
    row("b", Required, HandedOn, "other input formats"),
    row("format", Required, HandedOn, "other input formats"),
    row("q", None, HandedOn, "keep relocations"),
    row("emit-relocs", None, HandedOn, "keep relocations"),
    row("Map", Required, Taken, "write a map to FILE, or into the folder"),
    row("M", None, Taken, "print a map"),
    row("print-map", None, Taken, "same as -M"),
    row("cref", None, Taken, "print who refers to what, into the map if there is one"),
    row("y", Required, Taken, "print who mentions SYMBOL"),
    row("trace-symbol", Required, Taken, "same as -y"),
    row("section-start", Required, HandedOn, "address of a section"),
    row("Ttext", Required, HandedOn, "address of .text"),
    row("Tdata", Required, HandedOn, "address of .data"),
    row("Tbss", Required, HandedOn, "address of .bss"),
    row("Ttext-segment", Required, HandedOn, "address of the text segment"),
    row("just-symbols", Required, HandedOn, "symbols of another executable"),
    row("Trodata-segment", Required, HandedOn, "address of the segment of read-only data"),
    row("Tldata-segment", Required, HandedOn, "address of the segment of large data"),
    row("retain-symbols-file", Required, HandedOn, "symbols to keep"),
    row("auxiliary", Required, HandedOn, "auxiliary filter"),
    row("f", Required, HandedOn, "auxiliary filter"),
    row("filter", Required, HandedOn, "filter"),
    row("F", Required, HandedOn, "filter"),
    row("a", Required, HandedOn, "which libraries to take, as HP/UX says it"),
    row("audit", Required, HandedOn, "library that audits the program"),
    row("depaudit", Required, HandedOn, "library that audits the program's libraries"),
    row("P", Required, HandedOn, "same as --depaudit"),
    row("c", Required, HandedOn, "MRI script"),
    row("mri-script", Required, HandedOn, "MRI script"),
    row("dT", Required, HandedOn, "default linker script"),
    row("default-script", Required, HandedOn, "default linker script"),
    row("EB", None, HandedOn, "big-endian output"),
    row("EL", None, Ignored, "little-endian output, as always"),
    row("G", Required, HandedOn, "size of small data"),
    row("gpsize", Required, HandedOn, "size of small data"),
    row("force-dynamic", None, HandedOn, ""),
    row("force-exe-suffix", None, HandedOn, ""),
    row("no-define-common", None, HandedOn, "common symbols without a place"),
    row("default-symver", None, HandedOn, "symbol versions"),
    row("default-imported-symver", None, HandedOn, "symbol versions"),
    row("version-exports-section", Required, HandedOn, "symbol versions"),
    row("out-implib", Required, HandedOn, "import library"),
    row("orphan-handling", Required, Taken, "others than `place' are handed to the system's linker"),
    row("unique", Optional, HandedOn, "output sections of their own"),
    row("split-by-file", Optional, Ignored, "output sections are not split"),
    row("split-by-reloc", Optional, Ignored, "output sections are not split"),
    row("task-link", Required, HandedOn, "relocatable output"),
    row("Y", Required, HandedOn, "where to look for libraries, as Solaris says it"),
    row("print-output-format", None, HandedOn, ""),
    row("print-sysroot", None, HandedOn, ""),
    row("target-help", None, HandedOn, ""),
    row("print-memory-usage", None, Ignored, "there are no memory regions"),
    row("print-map-discarded", None, Ignored, ""),
    row("no-print-map-discarded", None, Ignored, ""),
    row("error-handling-script", Required, Ignored, "messages are explained as they are"),
    row("error-execstack", None, Taken, "an executable stack that nobody asked for is an error"),
    row("no-error-execstack", None, Taken, "it is none"),
    row("warn-execstack-objects", None, Taken, "warn of an executable stack that nobody asked for"),
    row("error-rwx-segments", None, Ignored, "no segment is writable and executable"),
    row("no-error-rwx-segments", None, Ignored, ""),
    row("ignore-unresolved-symbol", Required, Taken, "SYMBOL may be undefined"),
    row("A", Required, Ignored, ""),
    row("architecture", Required, Ignored, ""),
    row("accept-unknown-input-arch", None, Ignored, ""),
    row("no-accept-unknown-input-arch", None, Ignored, ""),
    row("assert", Required, Ignored, ""),
    row("check-sections", None, Ignored, "sections never overlap"),
    row("no-check-sections", None, Ignored, ""),
    row("ctf-variables", None, Ignored, "no such debug information is made"),
    row("no-ctf-variables", None, Ignored, ""),
    row("ctf-share-types", Required, Ignored, ""),
    row("disable-multiple-abs-defs", None, Ignored, ""),
    row("embedded-relocs", None, Ignored, ""),
    row("enable-linker-version", None, Ignored, ""),
    row("disable-linker-version", None, Ignored, ""),
    row("enable-non-contiguous-regions", None, Ignored, "there are no memory regions"),
    row("enable-non-contiguous-regions-warnings", None, Ignored, ""),
    row("flto", Optional, Ignored, ""),
    row("flto-partition", Required, Ignored, ""),
    row("force-group-allocation", None, Ignored, ""),
    row("gc-keep-exported", None, Ignored, "nothing is collected"),
    row("hash-size", Required, Ignored, ""),
    row("map-whole-files", None, Ignored, ""),
    row("no-map-whole-files", None, Ignored, ""),
    row("max-cache-size", Required, Ignored, ""),
    row("plugin-save-temps", None, Ignored, ""),
    row("qmagic", None, Ignored, ""),
    row("Qy", None, Ignored, ""),
    row("strip-discarded", None, Ignored, ""),
    row("no-strip-discarded", None, Ignored, ""),
    row("traditional-format", None, Ignored, ""),
    row("warn-constructors", None, Ignored, ""),
    row("warn-multiple-gp", None, Ignored, ""),
    row("dll-verbose", None, Ignored, ""),
    row("export-dynamic-symbol-list", Required, Taken, "export the symbols (globs) listed in FILE"),
    row("dynamic-list-cpp-new", None, Taken, "export the C++ operators new and delete"),
    row("dynamic-list-cpp-typeinfo", None, Taken, "export the type information of C++"),
    row("dynamic-list-data", None, Taken, "export all global data"),
    row("exclude-libs", Required, Taken, "do not export what these archives define; ALL: any archive"),
    row("plugin", Required, Ignored, "link-time optimisation: such objects are handed on"),
    row("plugin-opt", Required, Ignored, ""),
    row("hash-style", Required, Taken, "sysv, gnu or both"),
    row("eh-frame-hdr", None, Taken, "make the search table of .eh_frame"),
    row("no-eh-frame-hdr", None, Taken, "make no search table"),
    row("rpath-link", Required, Ignored, ""),
    row("soname", Required, Taken, "name by which programs ask for the shared library"),
    row("h", Required, Taken, "same as --soname"),
    row("O", Required, Ignored, "nothing is optimised that would have to be undone"),
    row("s", None, Taken, "no symbol table and no debug information in a shared library"),
    row("strip-all", None, Taken, "same as -s"),
    row("S", None, Taken, "no debug information in a shared library"),
    row("strip-debug", None, Taken, "same as -S"),
    row("x", None, Ignored, ""),
    row("X", None, Ignored, ""),
    row("discard-all", None, Ignored, ""),
    row("discard-locals", None, Ignored, ""),
    row("discard-none", None, Ignored, ""),
    row("d", None, Ignored, "common symbols are always allocated"),
    row("dc", None, Ignored, ""),
    row("dp", None, Ignored, ""),
    row("g", None, Ignored, ""),
    row("n", None, Taken, "look for archives only; the layout is as ever"),
    row("nmagic", None, Taken, "same as -n"),
    row("nostdlib", None, Taken, "look for libraries in the folders of -L only"),
    row("relax", None, Ignored, "always"),
    row("no-relax", None, Ignored, ""),
    row("sort-common", Optional, Ignored, ""),
    row("sort-section", Required, Ignored, ""),
    row("warn-common", None, Taken, "warn of common symbols that other symbols meet"),
    row("warn-once", None, Ignored, ""),
    row("warn-alternate-em", None, Ignored, ""),
    row("warn-execstack", None, Taken, "warn of an executable stack, even of one that was asked for"),
    row("no-warn-execstack", None, Taken, "do not warn of an executable stack"),
    row("warn-rwx-segments", None, Ignored, ""),
    row("no-warn-rwx-segments", None, Ignored, ""),
    row("warn-section-align", None, Ignored, ""),
    row("warn-textrel", None, Ignored, ""),
    row("warn-shared-textrel", None, Ignored, ""),
    row("fatal-warnings", None, Taken, "warnings are errors"),
    row("no-fatal-warnings", None, Taken, "warnings are no errors"),
    row("no-warnings", None, Taken, "do not warn, and link what has errors"),
    row("w", None, Taken, "same as --no-warnings"),
    row("no-warn-mismatch", None, Ignored, ""),
    row("no-warn-search-mismatch", None, Taken, "do not warn of libraries for other machines"),
    row("allow-shlib-undefined", None, Taken, "undefined symbols of shared libraries are no errors"),
    row("no-allow-shlib-undefined", None, Taken, "undefined symbols of shared libraries are errors"),
    row("copy-dt-needed-entries", None, HandedOn, "libraries that libraries need are linked too"),
    row("no-copy-dt-needed-entries", None, Ignored, ""),
    row("no-add-needed", None, Ignored, ""),
    row("add-needed", None, HandedOn, "libraries that libraries need are linked too"),
    row("Bsymbolic", None, Taken, "the shared library's own definitions come first"),
    row("Bsymbolic-functions", None, Taken, "the same for functions only"),
    row("Bgroup", None, Taken, "the library looks for symbols in its own group"),
    row("no-undefined-version", None, Ignored, ""),
    row("undefined-version", None, Ignored, ""),
    row("demangle", Optional, Taken, "demangle names in messages"),
    row("no-demangle", None, Taken, "do not"),
    row("no-keep-memory", None, Ignored, ""),
    row("reduce-memory-overheads", None, Ignored, ""),
    row("stats", None, Ignored, ""),
    row("no-print-gc-sections", None, Ignored, ""),
    row("print-gc-sections", None, Ignored, "nothing is collected"),
    row("compress-debug-sections", Required, Taken, "none, zlib (zlib-gabi, zlib-gnu) or zstd"),
    row("no-omagic", None, Ignored, ""),
    row("no-ld-generated-unwind-info", None, Ignored, ""),
    row("ld-generated-unwind-info", None, Ignored, ""),
    row("dependency-file", Required, Taken, "write the inputs to FILE, in the form of make"),
    row("fuse-ld", Required, Ignored, ""),
    row("spare-dynamic-tags", Required, Ignored, ""),
    row("package-metadata", Optional, Ignored, ""),
];

/// All options: those of GNU ld, and those of others.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().chain(super::others::TABLE)
}

/// The option of GNU ld that is the only one with this beginning.
pub fn abbreviated(start: &[u8]) -> Option<&'static Row> {
    let mut found = TABLE.iter().filter(|row| row.name.len() > 1 && row.name.as_bytes().starts_with(start));
    found.next().filter(|_| found.next().is_none())
}

/// An option, or a keyword of `-z`, for people.
pub struct Described {
    /// With its dashes and what it takes.
    pub option: String,
    pub fate: Fate,
    /// What it does and what becomes of it; empty if there is nothing to say.
    pub text: String,
}

impl Described {
    pub(super) fn new(option: String, fate: Fate, help: &str) -> Self {
        let words = match fate {
            Taken => "",
            Ignored => "ignored",
            HandedOn => "handed to the system's linker",
            Refused => "refused",
        };
        let gap = if help.is_empty() || words.is_empty() { "" } else { "; " };
        Self { option, fate, text: format!("{help}{gap}{words}") }
    }

    fn line(&self) -> String {
        format!("  {:<32} {}\n", self.option, self.text)
    }
}

/// All options.
pub fn described() -> impl Iterator<Item = Described> {
    rows().map(|row| {
        let dashes = if row.name.len() == 1 { "-" } else { "--" };
        let value = match row.value {
            None => "",
            Required => " VALUE",
            Optional => "[=VALUE]",
            Rest => "...",
        };
        Described::new(format!("{dashes}{}{value}", row.name), row.fate, row.help)
    })
}

/// The text of `--help`.
pub fn help() -> String {
    let mut text = String::from(
        "Usage: ld.unfold [options] file...\n\
         Links x86-64 executables that relocate themselves as they run.\n\nOptions:\n",
    );
    text.extend(described().map(|option| option.line()));
    text.push_str("\nKeywords of -z:\n");
    text.extend(super::keywords::described().map(|keyword| keyword.line()));
    // libtool looks for this line.
    text.push_str("ld.unfold: supported targets: elf64-x86-64\n");
    text
}
