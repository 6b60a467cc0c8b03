//! Words of the command line -> [`Request`].

pub mod expression;
pub mod keywords;
mod others;
pub mod table;

use anyhow::{Context, Result, bail};
use expression::Expression;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use table::{Fate, Row, Value, rows};

/// What `--version` prints; configure scripts look for "GNU ld".
pub const VERSION: &str = concat!("unfold ", env!("CARGO_PKG_VERSION"), " (compatible with GNU ld)");

/// How inputs are taken from a place of the command line on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub as_needed: bool,
    pub whole_archive: bool,
    pub static_only: bool,
    /// Between `--start-lib` and `--end-lib`.
    pub lazy: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    File(PathBuf),
    /// `-lNAME`; `-l:FILE` is kept with its colon.
    Library(OsString),
}

/// Whether a file is an object, to judge by its name.
pub fn is_object(path: &Path) -> bool {
    // As `Path::extension` sees it: a name that begins with its only dot has none.
    let name = path.as_os_str().as_bytes().strip_suffix(b".o");
    name.is_some_and(|name| name.last().is_some_and(|last| *last != b'/'))
}

impl Input {
    /// The path of an object.
    pub fn object(&self) -> Option<&PathBuf> {
        match self {
            Self::File(path) => is_object(path).then_some(path),
            Self::Library(_) => None,
        }
    }
}

/// Which undefined symbols are reported, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unresolved {
    pub in_objects: bool,
    pub in_libraries: bool,
    /// As warnings, not as errors.
    pub warn: bool,
}

/// What a file that is written whole leaves out of its sections for debuggers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strip {
    #[default]
    None,
    Debug,
    All,
}

/// How sections of debug information are written (GNU ld's manual, `--compress-debug-sections`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    #[default]
    None,
    Zlib,
    Zstd,
}

/// Which symbols of a shared library nobody may define before it does (GNU ld's manual, `-Bsymbolic`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Symbolic {
    None,
    NonWeakFunctions,
    NonWeak,
    Functions,
    All,
}

/// What the command line asks for.
#[derive(Clone, Debug, Hash)]
pub struct Request {
    pub output: PathBuf,
    /// A shared library.
    pub shared: bool,
    pub soname: Option<OsString>,
    pub symbolic: Symbolic,
    /// The tables by which the dynamic linker finds symbols: `.hash`, `.gnu.hash`.
    pub sysv_hash: bool,
    pub gnu_hash: bool,
    /// Relative relocations in the packed form (DT_RELR).
    pub relr: bool,
    pub version_scripts: Vec<PathBuf>,
    pub dynamic_lists: Vec<PathBuf>,
    /// Undefined symbols are errors in a shared library too.
    pub no_undefined: bool,
    pub strip: Strip,
    pub compression: Compression,
    /// Many, so that clones share them.
    pub inputs: Arc<Vec<(Input, State)>>,
    pub search: Vec<PathBuf>,
    pub pie: bool,
    pub is_static: bool,
    pub interp: Option<OsString>,
    pub entry: Option<String>,
    /// The functions that become DT_INIT and DT_FINI.
    pub init: String,
    pub fini: String,
    pub undefined: Vec<String>,
    pub required: Vec<String>,
    pub defsyms: Vec<(String, Expression)>,
    pub wraps: Vec<String>,
    pub export_dynamic: bool,
    pub exports: Vec<String>,
    /// Export all variables.
    pub export_data: bool,
    /// Archives whose symbols are not exported.
    pub exclude_libs: Vec<String>,
    pub gc_sections: bool,
    pub exec_stack: Option<bool>,
    /// Whether to warn of an executable stack; `None`: of one that nobody asked for.
    pub warn_exec_stack: Option<bool>,
    pub error_exec_stack: bool,
    pub stack_size: u64,
    /// Whether the program says anything of its stack.
    pub stack_header: bool,
    pub relro: bool,
    /// Bits that `-z` adds to DT_FLAGS and DT_FLAGS_1.
    pub dynamic_flags: (u32, u32),
    pub bind_now: bool,
    pub rpaths: Vec<OsString>,
    pub new_dtags: bool,
    pub allow_multiple: bool,
    pub unresolved: Unresolved,
    pub fatal_warnings: bool,
    pub no_warnings: bool,
    /// What is wrong with the command line itself.
    pub warnings: Vec<String>,
    pub warn_common: bool,
    /// Warn of libraries for other machines that were found first.
    pub warn_search_mismatch: bool,
    /// How many undefined symbols are reported; 0: all.
    pub error_limit: usize,
    /// Undefined symbols that are no error.
    pub may_be_undefined: Vec<String>,
    pub build_id: Option<String>,
    pub eh_frame_hdr: bool,
    pub index: Option<PathBuf>,
    /// Everything gets another place: what profiled runs touched comes together.
    pub place_anew: bool,
    /// How far the link is, on a terminal.
    pub progress: bool,
    /// Each section of code is on pages of its own, so that a profile tells functions apart.
    pub place_apart: bool,
    pub dependency_file: Option<PathBuf>,
    /// Where the map goes; `-`: to stdout.
    pub map: Option<PathBuf>,
    pub cref: bool,
    pub trace_symbols: Vec<String>,
    pub why_extract: Option<PathBuf>,
    pub trace: bool,
    pub verbose: bool,
    pub time: bool,
    pub explain: bool,
    pub demangle: bool,
    pub threads: Option<usize>,
}

/// Whether a folder has anything in it: rustc makes one for each run, which is empty.
fn has_files(folder: &Path) -> bool {
    // A folder that is larger than new ones are, or has others in it, need not be read.
    const NEW: u64 = 4096;
    fs::metadata(folder).is_ok_and(|metadata| metadata.len() > NEW || metadata.nlink() > 2)
        || fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some())
}

impl Request {
    /// Identity of everything in the request that the program depends on, and of this linker.
    pub fn identity(&self) -> u64 {
        use std::hash::{Hash, Hasher};
        let mut same = self.clone();
        (same.verbose, same.time, same.explain, same.trace, same.threads) =
            (false, false, false, false, None);
        (same.place_anew, same.progress) = (false, true);
        same.search.retain(|folder| has_files(folder));
        // Objects are told apart by their places and their contents.
        let nameless = |(input, state): &(Input, State)| match input.object() {
            Some(_) => (Input::File(PathBuf::new()), *state),
            None => (input.clone(), *state),
        };
        let mut inputs: Vec<(Input, State)> = self.inputs.iter().map(nameless).collect();
        // How many they are, the relink sees itself.
        let is_nameless = |input: &Input| matches!(input, Input::File(path) if path.as_os_str().is_empty());
        inputs.dedup_by(|a, b| is_nameless(&a.0) && is_nameless(&b.0) && a.1 == b.1);
        same.inputs = Arc::new(inputs);
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        same.hash(&mut hash);
        // What a relative path means depends on the folder.
        if self.inputs.iter().any(|(input, _)| matches!(input, Input::File(path) if path.is_relative())) {
            std::env::current_dir().ok().hash(&mut hash);
        }
        hash.write(VERSION.as_bytes());
        // Another build of this linker may link otherwise.
        if let Ok(own) = std::env::current_exe().and_then(fs::metadata) {
            (own.len(), own.modified().ok()).hash(&mut hash);
        }
        hash.finish()
    }
}

/// The C++ functions and data of `--dynamic-list-cpp-new` and `-typeinfo`, as the ABI writes them.
const OPERATORS_NEW: [&str; 4] = ["_Znw*", "_Zna*", "_Zdl*", "_Zda*"];
const TYPE_INFORMATION: [&str; 2] = ["_ZTI*", "_ZTS*"];

/// Where libraries are looked for last; `=` is the system's root.
const NATIVE_FOLDERS: [&str; 9] = [
    "=/usr/local/lib/x86_64-linux-gnu",
    "=/lib/x86_64-linux-gnu",
    "=/usr/lib/x86_64-linux-gnu",
    "=/usr/local/lib64",
    "=/lib64",
    "=/usr/lib64",
    "=/usr/local/lib",
    "=/lib",
    "=/usr/lib",
];

/// What is to be done.
pub enum Task {
    Link(Box<Request>),
    /// Print this and stop.
    Print(String),
    /// The system's linker has to do it, because of this option.
    HandOn(String),
}

/// Reads the command line, `argv[0]` left out.
pub fn parse(words: Vec<OsString>) -> Result<Task> {
    let mut words = expand_responses(words, 0)?;
    let mut request = Request {
        output: "a.out".into(),
        shared: false,
        soname: None,
        symbolic: Symbolic::None,
        sysv_hash: false,
        gnu_hash: true,
        relr: false,
        version_scripts: Vec::new(),
        dynamic_lists: Vec::new(),
        no_undefined: false,
        strip: Strip::None,
        compression: Compression::None,
        inputs: Arc::default(),
        search: Vec::new(),
        pie: false,
        is_static: false,
        interp: None,
        entry: None,
        init: "_init".into(),
        fini: "_fini".into(),
        undefined: Vec::new(),
        required: Vec::new(),
        defsyms: Vec::new(),
        wraps: Vec::new(),
        export_dynamic: false,
        exports: Vec::new(),
        export_data: false,
        exclude_libs: Vec::new(),
        gc_sections: false,
        exec_stack: None,
        warn_exec_stack: None,
        error_exec_stack: false,
        stack_size: 0,
        stack_header: true,
        relro: true,
        dynamic_flags: (0, 0),
        bind_now: false,
        rpaths: Vec::new(),
        new_dtags: true,
        allow_multiple: false,
        unresolved: Unresolved { in_objects: true, in_libraries: true, warn: false },
        fatal_warnings: false,
        no_warnings: false,
        warnings: Vec::new(),
        warn_common: false,
        warn_search_mismatch: true,
        error_limit: 20,
        may_be_undefined: Vec::new(),
        build_id: None,
        eh_frame_hdr: false,
        index: std::env::var_os("UNFOLD_INDEX").filter(|dir| !dir.is_empty()).map(PathBuf::from),
        place_anew: std::env::var_os("UNFOLD_PLACE").is_some_and(|place| place == "anew"),
        progress: true,
        place_apart: std::env::var_os("UNFOLD_PLACE").is_some_and(|place| place == "apart"),
        dependency_file: None,
        map: None,
        cref: false,
        trace_symbols: Vec::new(),
        why_extract: None,
        trace: false,
        verbose: false,
        time: false,
        explain: false,
        demangle: true,
        threads: None,
    };
    let mut state = State { as_needed: false, whole_archive: false, static_only: false, lazy: false };
    let mut saved = Vec::new();
    let mut handed_on = None;
    let mut version = false;
    let mut sysroot = OsString::new();
    let mut folders = NATIVE_FOLDERS.as_slice();
    while let Some(word) = words.pop_front() {
        if !is_option(&word) {
            Arc::make_mut(&mut request.inputs).push((Input::File(word.into()), state));
            continue;
        }
        let (row, value) = look_up(&word, &mut words)?;
        let value = value.unwrap_or_default();
        let text = || value.to_string_lossy().into_owned();
        let mut hand_on = || {
            handed_on.get_or_insert_with(|| word.to_string_lossy().into_owned());
        };
        match row.fate {
            Fate::Ignored => continue,
            Fate::HandedOn => {
                hand_on();
                continue;
            }
            Fate::Refused => bail!("{}: unfold does not do this: {}", word.to_string_lossy(), row.help),
            Fate::Taken => {}
        }
        match row.name {
            "o" | "output" => request.output = value.into(),
            "l" | "library" => Arc::make_mut(&mut request.inputs).push((Input::Library(value), state)),
            "L" | "library-path" => request.search.push(value.into()),
            "sysroot" => sysroot = value,
            "nostdlib" => folders = &[],
            "m" if value != "elf_x86_64" => hand_on(),
            "oformat" if value != "elf64-x86-64" && value != "elf" => hand_on(),
            "orphan-handling" if value != "place" => hand_on(),
            "R" if Path::new(&value).is_file() => hand_on(),
            "e" | "entry" => request.entry = Some(text()),
            "init" => request.init = text(),
            "fini" => request.fini = text(),
            "u" | "undefined" => request.undefined.push(text()),
            "require-defined" => request.required.push(text()),
            "defsym" => match expression::assignment(&text())? {
                Some(assignment) => request.defsyms.push(assignment),
                None => hand_on(),
            },
            "wrap" => request.wraps.push(text()),
            "dynamic-linker" | "I" => request.interp = Some(value),
            "no-dynamic-linker" => request.interp = None,
            "pie" | "pic-executable" => request.pie = true,
            "no-pie" | "no-pic-executable" => request.pie = false,
            "static" => {
                request.is_static = true;
                state.static_only = true;
            }
            "Bstatic" | "dn" | "non_shared" | "n" | "nmagic" => state.static_only = true,
            "Bdynamic" | "dy" | "call_shared" => state.static_only = false,
            "as-needed" => state.as_needed = true,
            "no-as-needed" => state.as_needed = false,
            "whole-archive" => state.whole_archive = true,
            "no-whole-archive" => state.whole_archive = false,
            "push-state" => saved.push(state),
            "pop-state" => state = saved.pop().context("--pop-state without --push-state")?,
            "start-lib" => state.lazy = true,
            "end-lib" => state.lazy = false,
            "export-dynamic" | "E" => request.export_dynamic = true,
            "dynamic-list-data" => request.export_data = true,
            "dynamic-list-cpp-new" => request.exports.extend(OPERATORS_NEW.map(String::from)),
            "dynamic-list-cpp-typeinfo" => request.exports.extend(TYPE_INFORMATION.map(String::from)),
            "exclude-libs" => request.exclude_libs.extend(text().split([',', ':']).map(String::from)),
            "no-export-dynamic" => request.export_dynamic = false,
            "export-dynamic-symbol" => request.exports.push(text()),
            "shared" | "Bshareable" => request.shared = true,
            "soname" | "h" => request.soname = Some(value),
            "Bsymbolic" => request.symbolic = Symbolic::All,
            "Bsymbolic-functions" => request.symbolic = Symbolic::Functions,
            "Bsymbolic-non-weak" => request.symbolic = Symbolic::NonWeak,
            "Bsymbolic-non-weak-functions" => request.symbolic = Symbolic::NonWeakFunctions,
            "Bgroup" => request.dynamic_flags.1 |= object::elf::DF_1_GROUP,
            "Bno-symbolic" => request.symbolic = Symbolic::None,
            "hash-style" => {
                (request.sysv_hash, request.gnu_hash) = match text().as_str() {
                    "sysv" => (true, false),
                    "gnu" => (false, true),
                    "both" => (true, true),
                    other => bail!("invalid hash style '{other}'; there are sysv, gnu and both"),
                }
            }
            "export-dynamic-symbol-list" => {
                let list = fs::read_to_string(&value)
                    .with_context(|| format!("cannot open dynamic list {}", text()))?;
                request.exports.extend(crate::inputs::script::dynamic_list(&list));
            }
            "version-script" => request.version_scripts.push(value.into()),
            "dynamic-list" => request.dynamic_lists.push(value.into()),
            "no-undefined" => keywords::undefined(&mut request, true),
            "s" | "strip-all" => request.strip = Strip::All,
            "S" | "strip-debug" => request.strip = request.strip.max(Strip::Debug),
            "compress-debug-sections" => {
                request.compression = match text().as_str() {
                    "none" => Compression::None,
                    "zlib" | "zlib-gabi" | "zlib-gnu" => Compression::Zlib,
                    "zstd" => Compression::Zstd,
                    other => bail!("invalid compression '{other}'; there are none, zlib and zstd"),
                }
            }
            "warn-execstack" => request.warn_exec_stack = Some(true),
            "no-warn-execstack" => request.warn_exec_stack = Some(false),
            "fatal-warnings" => request.fatal_warnings = true,
            "no-fatal-warnings" => request.fatal_warnings = false,
            "no-warnings" | "w" => {
                request.no_warnings = true;
                unresolved(&mut request, false, false);
                request.allow_multiple = true;
            }
            "gc-sections" => request.gc_sections = true,
            "no-gc-sections" => request.gc_sections = false,
            "z" if keywords::take(&mut request, &text())? => hand_on(),
            "rpath" | "R" => {
                // As it is: build systems leave room for the path that they put there when they install.
                let known =
                    request.rpaths.iter().flat_map(|path| path.as_bytes().split(|byte| *byte == b':'));
                if !known.into_iter().any(|part| part == value.as_bytes()) {
                    request.rpaths.push(value);
                }
            }
            "enable-new-dtags" => request.new_dtags = true,
            "disable-new-dtags" => request.new_dtags = false,
            "allow-multiple-definition" => request.allow_multiple = true,
            "unresolved-symbols" => match text().as_str() {
                "report-all" => unresolved(&mut request, true, true),
                "ignore-all" => unresolved(&mut request, false, false),
                "ignore-in-object-files" => unresolved(&mut request, false, true),
                "ignore-in-shared-libs" => unresolved(&mut request, true, false),
                other => bail!(
                    "bad --unresolved-symbols option: {other}; there are report-all, ignore-all, \
                     ignore-in-object-files and ignore-in-shared-libs"
                ),
            },
            "allow-shlib-undefined" => request.unresolved.in_libraries = false,
            "no-allow-shlib-undefined" => request.unresolved.in_libraries = true,
            "warn-unresolved-symbols" => request.unresolved.warn = true,
            "error-unresolved-symbols" => request.unresolved.warn = false,
            "noinhibit-exec" => (request.unresolved.warn, request.allow_multiple) = (true, true),
            "build-id" => request.build_id = (value != "none").then(text),
            "eh-frame-hdr" => request.eh_frame_hdr = true,
            "no-eh-frame-hdr" => request.eh_frame_hdr = false,
            "t" | "trace" => request.trace = true,
            // GNU ld links after -v, and not after --version: meson takes a failure for another linker.
            "version" => return Ok(Task::Print(format!("{VERSION}\n"))),
            "v" | "V" => version = true,
            "help" => return Ok(Task::Print(table::help())),
            "verbose" => request.verbose = true,
            "time" => request.time = true,
            "explain" => request.explain = true,
            "progress" => request.progress = true,
            "no-progress" => request.progress = false,
            "unfold-index" => request.index = Some(value.into()),
            "unfold-place-anew" => request.place_anew = true,
            "unfold-place-apart" => request.place_apart = true,
            "threads" | "thread-count" => request.threads = text().parse().ok(),
            "no-threads" => request.threads = Some(1),
            "demangle" => request.demangle = true,
            "error-limit" => match text().parse() {
                Ok(limit) => request.error_limit = limit,
                Err(_) => bail!("--error-limit={}: expected a number, or 0 for no limit", text()),
            },
            "error-execstack" => request.error_exec_stack = true,
            "no-error-execstack" => request.error_exec_stack = false,
            "warn-execstack-objects" => request.warn_exec_stack = None,
            "ignore-unresolved-symbol" => request.may_be_undefined.push(text()),
            "warn-search-mismatch" => request.warn_search_mismatch = true,
            "no-warn-search-mismatch" => request.warn_search_mismatch = false,
            "warn-common" => request.warn_common = true,
            "no-warn-common" => request.warn_common = false,
            "no-build-id" => request.build_id = None,
            "no-allow-multiple-definition" => request.allow_multiple = false,
            "suppress-warnings" => request.no_warnings = true,
            "no-demangle" => request.demangle = false,
            "Map" => request.map = Some(value.into()),
            "M" | "print-map" => request.map = Some("-".into()),
            "cref" => request.cref = true,
            "no-cref" => request.cref = false,
            "y" | "trace-symbol" => request.trace_symbols.push(text()),
            "why-extract" => request.why_extract = Some(value.into()),
            "dependency-file" => request.dependency_file = Some(value.into()),
            // Groups, the emulation and such change nothing that is left.
            _ => {}
        }
    }
    request.search.extend(folders.iter().map(PathBuf::from));
    for folder in &mut request.search {
        let bytes = folder.as_os_str().as_bytes();
        let inside = bytes.strip_prefix(b"=").or_else(|| bytes.strip_prefix(b"$SYSROOT"));
        if let Some(inside) = inside {
            *folder = OsString::from_vec([sysroot.as_bytes(), inside].concat()).into();
        }
    }
    for script in request.version_scripts.iter_mut().chain(&mut request.dynamic_lists) {
        let in_path = || request.search.iter().map(|dir| dir.join(&*script)).find(|path| path.is_file());
        if !script.exists()
            && let Some(found) = in_path()
        {
            *script = found;
        }
    }
    if let Some(option) = handed_on {
        return Ok(Task::HandOn(option));
    }
    if version && request.inputs.is_empty() {
        return Ok(Task::Print(format!("{VERSION}\n")));
    }
    if version {
        writeln!(std::io::stdout(), "{VERSION}").ok();
    }
    if request.inputs.is_empty() {
        bail!("no input files");
    }
    Ok(Task::Link(Box::new(request)))
}

fn unresolved(request: &mut Request, in_objects: bool, in_libraries: bool) {
    (request.unresolved.in_objects, request.unresolved.in_libraries) = (in_objects, in_libraries);
}

/// The words without the options that only other linkers have; `None`: as they are.
pub fn for_system_linker(words: &[OsString]) -> Result<Option<Vec<OsString>>> {
    let mut rest = expand_responses(words.to_vec(), 0)?;
    let mut known = Vec::new();
    let mut differs = false;
    while let Some(word) = rest.pop_front() {
        if !is_option(&word) {
            known.push(word);
            continue;
        }
        let before = rest.len();
        let (row, value) = look_up(&word, &mut rest)?;
        let separate = rest.len() < before;
        if !others::TABLE.iter().any(|other| std::ptr::eq(other, row)) {
            known.push(word);
            known.extend(value.filter(|_| separate));
            continue;
        }
        differs = true;
        if row.name == "image-base" {
            known.extend([OsString::from("-Ttext-segment"), value.unwrap_or_default()]);
        }
    }
    Ok(differs.then_some(known))
}

fn is_option(word: &OsString) -> bool {
    word.len() > 1 && word.as_bytes()[0] == b'-'
}

/// Finds the row of an option, and its value: attached, or the next word.
fn look_up(word: &OsString, rest: &mut VecDeque<OsString>) -> Result<(&'static Row, Option<OsString>)> {
    let bytes = word.as_bytes();
    let double = bytes.starts_with(b"--");
    let body = &bytes[if double { 2 } else { 1 }..];
    let (name, attached) = match body.iter().position(|byte| *byte == b'=') {
        Some(at) => (&body[..at], Some(OsString::from_vec(body[at + 1..].to_vec()))),
        None => (body, None),
    };
    let mut missing = |row: &'static Row| {
        let next = rest.pop_front();
        next.with_context(|| format!("{}: missing argument", word.to_string_lossy())).map(|v| (row, Some(v)))
    };
    // A one-letter option takes the rest of its word, unless the whole word is an option by itself.
    let long = rows().find(|row| row.name.as_bytes() == name && (row.name.len() > 1 || body.len() == 1));
    if let Some(row) = long.or_else(|| double.then(|| table::abbreviated(name)).flatten()) {
        return match (row.value, attached) {
            (Value::None, Some(_)) => bail!("{}: takes no argument", word.to_string_lossy()),
            (Value::None, None) => Ok((row, None)),
            (_, Some(value)) => Ok((row, Some(value))),
            (Value::Optional, None) => Ok((row, None)),
            (Value::Required, None) => missing(row),
            (Value::Rest, None) => bail!("{}: missing argument", word.to_string_lossy()),
        };
    }
    if !double {
        let letter = &body[..1];
        let short = rows().find(|row| row.name.as_bytes() == letter && row.value == Value::Required);
        if let Some(row) = short {
            return Ok((row, Some(OsString::from_vec(body[1..].to_vec()))));
        }
    }
    if let Some(row) = rows().find(|row| row.value == Value::Rest && body.starts_with(row.name.as_bytes())) {
        return Ok((row, None));
    }
    bail!("unrecognized option '{}'; --help lists those that there are", word.to_string_lossy())
}

/// Replaces each `@FILE` by the words in it (GNU ld's manual, "@file").
fn expand_responses(words: Vec<OsString>, depth: usize) -> Result<VecDeque<OsString>> {
    if depth > 20 {
        bail!("response files are nested too deeply: does one name itself?");
    }
    let mut expanded = VecDeque::new();
    for word in words {
        let bytes = word.as_bytes();
        match bytes.strip_prefix(b"@").map(|path| fs::read(OsString::from_vec(path.to_vec()))) {
            Some(Ok(contents)) => expanded.extend(expand_responses(split_words(&contents), depth + 1)?),
            // As GNU ld does: what cannot be read is an ordinary word.
            _ => expanded.push_back(word),
        }
    }
    Ok(expanded)
}

/// Splits as a shell does, with quotes and backslashes but no expansions.
fn split_words(contents: &[u8]) -> Vec<OsString> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut rest = contents;
    loop {
        // What means nothing but itself comes in runs.
        let plain = rest.iter().position(|byte| b"\\'\" \t\n\r\x0c\x0b".contains(byte)).unwrap_or(rest.len());
        if plain > 0 {
            word.get_or_insert_default().extend_from_slice(&rest[..plain]);
        }
        let Some((byte, behind)) = rest[plain..].split_first() else { break };
        rest = behind;
        match (quote, *byte) {
            (_, b'\\') => {
                let escaped = rest.split_off_first();
                word.get_or_insert_default().extend(escaped);
            }
            (Some(open), byte) if byte == open => quote = None,
            (None, byte @ (b'\'' | b'"')) => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (None, _) => words.extend(word.take().map(OsString::from_vec)),
            (Some(_), byte) => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word.map(OsString::from_vec));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(words: &[&str]) -> Request {
        match parse(words.iter().map(OsString::from).collect()).unwrap() {
            Task::Link(request) => *request,
            _ => panic!("not a link"),
        }
    }

    #[test]
    fn options_are_spelt_in_all_the_ways_of_ld() {
        let request =
            link(&["-oapp", "-Ldir", "-L", "other", "a.o", "-lm", "--library=c", "-rpath", "/x:/y"]);
        assert_eq!(request.output, PathBuf::from("app"));
        assert_eq!(
            request.search[..3],
            ["dir", "other", NATIVE_FOLDERS[0].trim_start_matches('=')].map(PathBuf::from)
        );
        assert_eq!(request.inputs[1].0, Input::Library("m".into()));
        assert_eq!(request.inputs[2].0, Input::Library("c".into()));
        assert_eq!(request.rpaths, ["/x:/y"]);
        let search = link(&["-L=/a", "-L$SYSROOT/b", "-L/c", "--sysroot=/root", "-nostdlib", "a.o"]).search;
        assert_eq!(search, ["/root/a", "/root/b", "/c"].map(PathBuf::from));
        assert!(parse(vec!["--no-such-option".into()]).is_err());
    }

    #[test]
    fn states_follow_the_order_of_the_words() {
        let words = ["--push-state", "--as-needed", "-la", "--pop-state", "-lb", "-Bstatic", "-lc"];
        let states: Vec<_> = link(&words).inputs.iter().map(|(_, s)| (s.as_needed, s.static_only)).collect();
        assert_eq!(states, [(true, false), (false, false), (false, true)]);
    }

    #[test]
    fn the_system_linker_gets_its_own_options() {
        let known = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            let known = for_system_linker(&words).unwrap();
            known
                .map(|known| known.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>())
        };
        assert_eq!(known(&["-o", "app", "-lm", "-z", "now", "a.o"]), None);
        let words = ["-o", "app", "--icf=all", "--threads", "-oapp", "--image-base", "0x1000", "-lto"];
        assert_eq!(known(&words).unwrap(), ["-o", "app", "-oapp", "-Ttext-segment", "0x1000", "-lto"]);
        assert_eq!(known(&["--lto-O2", "--thinlto-jobs=4", "-mllvm", "-x", "a.o"]).unwrap(), ["a.o"]);
    }

    #[test]
    fn each_option_has_one_row() {
        let mut names: Vec<&str> = rows().map(|row| row.name).collect();
        names.sort_unstable();
        let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert_eq!(twice, Vec::<&[&str]>::new());
    }

    #[test]
    fn words_of_response_files_are_unquoted() {
        let words = split_words(b"a 'b c' \"d\\\"e\" f\\ g ''\n");
        assert_eq!(words, ["a", "b c", "d\"e", "f g", ""]);
    }
}
