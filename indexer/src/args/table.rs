//! The options of GNU ld that unfold knows, and what it does with each. `--help` is printed from here.

/// What becomes of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Read by [`super::request`].
    Taken,
    /// Known not to matter for a lazily linked program on this machine.
    Ignored,
    /// The whole link is handed to the system's linker.
    HandedOn,
}

/// How an option takes its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    None,
    /// `--name=value` or `--name value`; one-letter options also `-nvalue`.
    Required,
    /// `--name` or `--name=value`.
    Optional,
}

pub struct Row {
    /// Without dashes. One-letter options take one dash, others one or two.
    pub name: &'static str,
    pub value: Value,
    pub fate: Fate,
    pub help: &'static str,
}

const fn row(name: &'static str, value: Value, fate: Fate, help: &'static str) -> Row {
    Row { name, value, fate, help }
}

use Fate::{HandedOn, Ignored, Taken};
use Value::{None, Optional, Required};

pub const TABLE: &[Row] = &[
    row("o", Required, Taken, "write the executable to FILE"),
    row("output", Required, Taken, "same as -o"),
    row("l", Required, Taken, "link with the library libNAME"),
    row("library", Required, Taken, "same as -l"),
    row("L", Required, Taken, "look for libraries in DIR"),
    row("library-path", Required, Taken, "same as -L"),
    row("m", Required, Taken, "emulation: elf_x86_64"),
    row("e", Required, Taken, "entry point"),
    row("entry", Required, Taken, "same as -e"),
    row("init", Required, Taken, "function that runs before main (default: _init)"),
    row("fini", Required, Taken, "function that runs at the end (default: _fini)"),
    row("u", Required, Taken, "treat SYMBOL as undefined, to load archive members"),
    row("undefined", Required, Taken, "same as -u"),
    row("require-defined", Required, Taken, "as -u, and an error if it stays undefined"),
    row("defsym", Required, Taken, "define SYMBOL=ADDRESS or SYMBOL=SYMBOL"),
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
    row("gc-sections", None, Taken, "undefined symbols that only dead sections mention are no error"),
    row("no-gc-sections", None, Taken, "all sections count as used"),
    row("z", Required, Taken, "keywords: defs, undefs, execstack, noexecstack, muldefs, now, lazy, ..."),
    row("rpath", Required, Taken, "run-time search path"),
    row("R", Required, Taken, "same as --rpath"),
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
    row("time", None, Taken, "print the phases of the link with their milliseconds"),
    row("explain", None, Taken, "print which objects are read again, and why"),
    row("unfold-index", Required, Taken, "folder of the index (default: .unfold beside the output)"),
    row("threads", Optional, Taken, "number of threads"),
    row("no-threads", None, Taken, "one thread"),
    row("shared", None, Taken, "shared library, rendered whole"),
    row("Bshareable", None, Taken, "same as --shared"),
    row("r", None, HandedOn, "relocatable output"),
    row("relocatable", None, HandedOn, "relocatable output"),
    row("i", None, HandedOn, "relocatable output"),
    row("Ur", None, HandedOn, "relocatable output"),
    row("oformat", Required, HandedOn, "other formats than ELF"),
    row("b", Required, HandedOn, "other input formats"),
    row("format", Required, HandedOn, "other input formats"),
    row("q", None, HandedOn, "keep relocations"),
    row("emit-relocs", None, HandedOn, "keep relocations"),
    row("Map", Required, HandedOn, "link map"),
    row("M", None, HandedOn, "link map"),
    row("print-map", None, HandedOn, "link map"),
    row("cref", None, HandedOn, "cross reference"),
    row("section-start", Required, HandedOn, "address of a section"),
    row("Ttext", Required, HandedOn, "address of .text"),
    row("Tdata", Required, HandedOn, "address of .data"),
    row("Tbss", Required, HandedOn, "address of .bss"),
    row("Ttext-segment", Required, HandedOn, "address of the text segment"),
    row("image-base", Required, HandedOn, "address of the image"),
    row("just-symbols", Required, HandedOn, "symbols of another executable"),
    row("retain-symbols-file", Required, HandedOn, "symbols to keep"),
    row("auxiliary", Required, HandedOn, "auxiliary filter"),
    row("filter", Required, HandedOn, "filter"),
    row("dynamic-list-data", None, Taken, "export all global data"),
    row("exclude-libs", Required, Ignored, "symbols of archives are exported only on demand"),
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
    row("n", None, Ignored, ""),
    row("nmagic", None, Ignored, ""),
    row("nostdlib", None, Taken, "only the library paths of the command line"),
    row("relax", None, Ignored, "always"),
    row("no-relax", None, Ignored, ""),
    row("sort-common", Optional, Ignored, ""),
    row("sort-section", Required, Ignored, ""),
    row("warn-common", None, Ignored, ""),
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
    row("no-warn-search-mismatch", None, Ignored, ""),
    row("allow-shlib-undefined", None, Taken, "undefined symbols of shared libraries are no errors"),
    row("no-allow-shlib-undefined", None, Taken, "undefined symbols of shared libraries are errors"),
    row("copy-dt-needed-entries", None, Ignored, ""),
    row("no-copy-dt-needed-entries", None, Ignored, ""),
    row("no-add-needed", None, Ignored, ""),
    row("add-needed", None, Ignored, ""),
    row("Bsymbolic", None, Taken, "the shared library's own definitions come first"),
    row("Bsymbolic-functions", None, Taken, "the same for functions only"),
    row("Bgroup", None, Ignored, ""),
    row("no-undefined-version", None, Ignored, ""),
    row("undefined-version", None, Ignored, ""),
    row("demangle", Optional, Taken, "demangle names in messages"),
    row("no-demangle", None, Taken, "do not"),
    row("color-diagnostics", Optional, Ignored, ""),
    row("no-color-diagnostics", None, Ignored, ""),
    row("no-keep-memory", None, Ignored, ""),
    row("reduce-memory-overheads", None, Ignored, ""),
    row("stats", None, Ignored, ""),
    row("no-print-gc-sections", None, Ignored, ""),
    row("print-gc-sections", None, Ignored, ""),
    row("compress-debug-sections", Required, Ignored, "debug information stays in the objects"),
    row("icf", Required, Ignored, "identical code is not folded"),
    row("no-omagic", None, Ignored, ""),
    row("no-ld-generated-unwind-info", None, Ignored, ""),
    row("ld-generated-unwind-info", None, Ignored, ""),
    row("secure-plt", None, Ignored, ""),
    row("dependency-file", Required, Taken, "write the inputs to FILE, in the form of make"),
    row("gdb-index", None, Ignored, ""),
    row("no-gdb-index", None, Ignored, ""),
    row("fuse-ld", Required, Ignored, ""),
    row("spare-dynamic-tags", Required, Ignored, ""),
    row("package-metadata", Optional, Ignored, ""),
];

/// The text of `--help`.
pub fn help() -> String {
    let mut text = String::from(
        "Usage: ld.unfold [options] file...\n\
         Links x86-64 executables that relocate themselves as they run.\n\nOptions:\n",
    );
    for row in TABLE {
        let dashes = if row.name.len() == 1 { "-" } else { "--" };
        let value = match row.value {
            None => "",
            Required => " VALUE",
            Optional => "[=VALUE]",
        };
        let fate = match row.fate {
            Taken => "",
            Ignored => "ignored",
            HandedOn => "handed to the system's linker",
        };
        let gap = if row.help.is_empty() || fate.is_empty() { "" } else { "; " };
        let line = format!("  {dashes}{}{value}", row.name);
        text.push_str(&format!("{line:<34} {}{gap}{fate}\n", row.help));
    }
    // libtool looks for this line.
    text.push_str("ld.unfold: supported targets: elf64-x86-64\n");
    text
}
