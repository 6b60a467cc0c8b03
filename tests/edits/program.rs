//! A program as a value: units with functions, data and references, and how they are linked. It can be changed in
//! small ways and written out as sources again.
//!
//! A unit is one object. It writes a pattern into all of its variables, then digests all that it has and all that it
//! refers to, so a wrong binding, a wrong initial value and two things at one place all show in what the program prints.
//! No address is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

pub type Id = u32;

/// How `main` comes to its units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// It calls each by its name.
    Named,
    /// It has weak references, and says which are there.
    Weak,
    /// Each unit's constructor tells `main` of it.
    Constructors,
    /// Each unit has an entry in a section whose bounds the linker defines.
    Section,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Pie,
    NoPie,
    Static,
    StaticPie,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    Static,
    Global,
    Weak,
    Hidden,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    Data,
    Constant,
    Zero,
    Thread,
    ThreadZero,
    Common,
}

#[derive(Clone, Debug)]
pub enum What {
    Function {
        value: u32,
        statements: usize,
        /// Bytes of nothing, which cost the compiler no time.
        skip: usize,
        refs: Vec<Ref>,
        throws: bool,
        indirect: bool,
    },
    Data {
        storage: Storage,
        len: usize,
        value: u32,
        align: usize,
    },
    /// Addresses of functions and of data.
    Table {
        functions: Vec<Ref>,
        data: Vec<Ref>,
        constant: bool,
    },
    Text(String),
    Constructor {
        priority: Option<u32>,
        destructor: bool,
    },
    /// A static object of C++.
    Object {
        value: u32,
    },
    /// Another name of a function of this unit.
    Alias(Id),
    /// Another unit's common symbol, which this one has too, in a size of its own.
    Tentative {
        of: Id,
        len: usize,
    },
    /// A weak definition of another unit's function.
    Fallback {
        of: Id,
        value: u32,
    },
}

#[derive(Clone, Debug)]
pub struct Item {
    pub id: Id,
    /// Counts its names.
    pub name: u32,
    pub linkage: Linkage,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ref {
    Item(Id),
    /// A weak reference to what may not be there.
    Maybe(Id),
    /// A row of [`LIBC`].
    Libc(usize),
    LibraryFunction(Id),
    LibraryData(Id),
    Inline(Id),
}

#[derive(Clone, Debug)]
pub struct Unit {
    pub id: Id,
    /// Counts the names of its object.
    pub name: u32,
    pub cpp: bool,
    pub optimised: bool,
    pub sections: bool,
    pub debug: bool,
    pub header: bool,
    /// Whether `main` knows it.
    pub called: bool,
    /// Whether the order of its constructors among those of others shows. Linkers load archive members in orders of
    /// their own.
    pub ordered: bool,
    pub value: u32,
    pub items: Vec<Item>,
}

/// A function or variable of the header, of which every unit that uses it has a copy.
#[derive(Clone, Debug)]
pub struct Inline {
    pub id: Id,
    pub value: u32,
    pub kind: InlineKind,
    pub statements: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InlineKind {
    Function,
    Template,
    /// An inline function with a variable of its own.
    Counter,
    Class,
}

#[derive(Clone, Debug, Default)]
pub struct Library {
    pub functions: BTreeMap<Id, u32>,
    pub data: BTreeMap<Id, usize>,
    /// Functions of the program that it calls if they are there.
    pub calls: BTreeSet<Id>,
}

#[derive(Clone, Debug)]
pub struct Archive {
    pub name: String,
    pub members: Vec<Id>,
    pub whole: bool,
    pub thin: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    Unit(Id),
    Archive(usize),
    Library,
}

#[derive(Clone, Debug)]
pub struct Program {
    pub style: Style,
    pub mode: Mode,
    pub position_independent: bool,
    pub units: BTreeMap<Id, Unit>,
    pub archives: Vec<Archive>,
    pub order: Vec<Input>,
    pub library: Option<Library>,
    pub header_value: u32,
    pub inlines: Vec<Inline>,
    pub options: BTreeSet<String>,
    /// A second definition, which makes the link fail.
    pub duplicate: Option<(Id, Id)>,
    pub main_value: u32,
    pub next: Id,
    /// Each unit has a chunk of code between its own functions and inline ones, so that edits leave chunks alone.
    pub is_wide: bool,
}

/// Declaration, call, and whether its type is that of our own functions.
pub const LIBC: &[(&str, &str, bool)] = &[
    ("unsigned long strlen(const char *);", "(long)strlen(\"some text\")", false),
    ("long labs(long);", "labs(-x)", true),
    ("int atoi(const char *);", "(long)atoi(\"42\")", false),
    ("long strtol(const char *, char **, int);", "strtol(\"77\", 0, 8)", false),
    ("int toupper(int);", "(long)toupper('a' + (int)(x & 7))", false),
    ("int strcmp(const char *, const char *);", "(long)(strcmp(\"a\", \"b\") < 0)", false),
    ("void *memchr(const void *, int, unsigned long);", "(long)(memchr(\"abc\", 'c', 3) != 0)", false),
    ("long atol(const char *);", "atol(\"123\")", false),
    ("char *strchr(const char *, int);", "(long)(strchr(\"abc\", 'z') == 0)", false),
    ("int ffs(int);", "(long)ffs(64)", false),
    ("unsigned long strspn(const char *, const char *);", "(long)strspn(\"aab\", \"a\")", false),
    ("int isatty(int);", "(long)isatty(99)", false),
    ("int tolower(int);", "(long)tolower('Q')", false),
    ("char *strstr(const char *, const char *);", "(long)(strstr(\"needle\", \"ee\") != 0)", false),
];

impl Item {
    /// Its name in the program.
    pub fn symbol(&self) -> String {
        let letter = match &self.what {
            What::Function { .. } => 'f',
            What::Data { .. } => 'd',
            What::Table { .. } => 't',
            What::Text(_) => 's',
            What::Constructor { .. } => 'c',
            What::Object { .. } => 'o',
            What::Alias(_) => 'a',
            What::Tentative { .. } => 'd',
            What::Fallback { .. } => 'f',
        };
        match self.name {
            0 => format!("{letter}{}", self.id),
            name => format!("{letter}{}_{name}", self.id),
        }
    }

    /// Whether units other than its own can refer to it.
    pub fn is_shared(&self) -> bool {
        let nameable = matches!(&self.what, What::Function { .. } | What::Data { .. } | What::Text(_));
        self.linkage != Linkage::Static && nameable
    }
}

impl Unit {
    pub fn object(&self) -> String {
        match self.name {
            0 => format!("u{}.o", self.id),
            name => format!("u{}-{name}.o", self.id),
        }
    }
}

impl Program {
    pub fn symbol_of(&self, id: Id) -> String {
        self.find(id).map_or(format!("f{id}"), |(_, item)| item.symbol())
    }

    pub fn find(&self, id: Id) -> Option<(&Unit, &Item)> {
        self.units.values().find_map(|unit| Some((unit, unit.items.iter().find(|item| item.id == id)?)))
    }

    pub fn item_mut(&mut self, id: Id) -> Option<&mut Item> {
        self.units.values_mut().find_map(|unit| unit.items.iter_mut().find(|item| item.id == id))
    }

    /// The archive that a unit is a member of.
    pub fn archive_of(&self, unit: Id) -> Option<usize> {
        self.archives.iter().position(|archive| archive.members.contains(&unit))
    }

    pub fn has_cpp(&self) -> bool {
        self.units.values().any(|unit| unit.cpp)
    }

    /// Flags of the compiler for a unit.
    pub fn flags(&self, unit: &Unit) -> Vec<&'static str> {
        let mut flags = vec!["-w", "-pipe"];
        flags.push(if self.position_independent { "-fPIE" } else { "-fno-pie" });
        flags.push(if unit.optimised { "-O2" } else { "-O0" });
        if unit.sections {
            flags.extend(["-ffunction-sections", "-fdata-sections"]);
        }
        if unit.debug {
            flags.push("-g");
        }
        flags
    }

    pub fn main_source(&self) -> String {
        let mut text = String::from(
            "int printf(const char *, ...);\nint image_pages(void);\nlong trace = 1, unordered;\n",
        );
        let called: Vec<Id> = self.units.values().filter(|unit| unit.called).map(|unit| unit.id).collect();
        let mut body = String::new();
        let show = "static long show(int id, long (*unit)(int)) { long h = unit(1); printf(\"unit %d %lx\\n\", id, h); return h; }\n";
        match self.style {
            Style::Named => {
                for id in &called {
                    writeln!(text, "extern long unit_{id}(int);").unwrap();
                }
                for id in &called {
                    writeln!(body, "    unit_{id}(0);").unwrap();
                }
                for id in &called {
                    writeln!(body, "    h = h * 31 + show({id}, unit_{id});").unwrap();
                }
            }
            Style::Weak => {
                for id in 1..=99 {
                    writeln!(text, "extern long unit_{id}(int) __attribute__((weak));").unwrap();
                    writeln!(body, "    if (unit_{id}) unit_{id}(0);").unwrap();
                }
                for id in 1..=99 {
                    writeln!(body, "    if (unit_{id}) h = h * 31 + show({id}, unit_{id});").unwrap();
                }
            }
            Style::Constructors => {
                text.push_str(
                    "static struct { int id; long (*unit)(int); } known[200];\nstatic int count;\n\
                     void know(int id, long (*unit)(int)) { known[count].id = id; known[count++].unit = unit; }\n",
                );
                body.push_str("    for (int i = 0; i < count; i++) known[i].unit(0);\n");
                body.push_str(
                    "    for (int id = 0; id < 100; id++) for (int i = 0; i < count; i++) if (known[i].id == id) h = h * 31 + show(id, known[i].unit);\n",
                );
            }
            Style::Section => {
                text.push_str(
                    "struct entry { long id; long (*unit)(int); };\n\
                     extern const struct entry __start_registry[], __stop_registry[];\n\
                     static long nothing(int phase) { return phase; }\n\
                     __attribute__((section(\"registry\"), used)) static const struct entry none = { 0, nothing };\n",
                );
                let each = "for (const struct entry *e = __start_registry; e < __stop_registry; e++)";
                writeln!(body, "    {each} e->unit(0);").unwrap();
                writeln!(body, "    for (int id = 0; id < 100; id++) {each} if (e->id == id) h = h * 31 + show(id, e->unit);").unwrap();
            }
        }
        text.push_str(show);
        // Another entry than `_start`, for `-e`.
        text.push_str("__asm__(\".text\\n");
        write!(text, ".skip {}, 0x90\\n", self.main_value % 7 * 16).unwrap();
        text.push_str(".globl other_start\\n.type other_start, @function\\nother_start: jmp _start\\n");
        text.push_str(".size other_start, .-other_start\\n\");\n");
        write!(
            text,
            "int main(int argc, char **argv) {{\n    if (argc > 1) return image_pages();\n    long h = {};\n    \
             printf(\"trace %lx %lx\\n\", trace, unordered);\n{body}    printf(\"all %lx\\n\", h);\n    return (int)(h & 63);\n}}\n",
            self.main_value
        )
        .unwrap();
        text
    }

    pub fn library_source(&self) -> Option<String> {
        let library = self.library.as_ref()?;
        let mut text = String::from(
            "int printf(const char *, ...);\n__attribute__((constructor)) static void loaded(void) { printf(\"library\\n\"); }\n",
        );
        for id in &library.calls {
            writeln!(text, "extern long f{id}(long) __attribute__((weak));").unwrap();
        }
        for (id, len) in &library.data {
            writeln!(text, "int ld{id}[{len}] = {{ {id}, [{len} - 1] = {len} }};").unwrap();
        }
        for (id, value) in &library.functions {
            let data: String =
                library.data.keys().map(|data| format!(" + ld{data}[0]++ * 3")).collect::<String>();
            let calls: String =
                library.calls.iter().map(|call| format!(" + (f{call} ? f{call}(0) : -{call})")).collect();
            writeln!(text, "long lf{id}(long x) {{ return x * {id} + {value}{data}{calls}; }}").unwrap();
        }
        Some(text)
    }

    pub fn source(&self, unit: &Unit) -> String {
        let source = Writer { program: self, unit, text: String::new() }.write();
        // Behind everything else in the section.
        let filler = r#"__asm__(".pushsection .text, 1\n.skip 70000, 0x90\n.popsection");"#;
        if self.is_wide { format!("{source}\n{filler}\n") } else { source }
    }

    fn header(&self) -> String {
        let mut text = format!("enum {{ HEADER = {} }};\n", self.header_value);
        for inline in &self.inlines {
            let Inline { id, value, .. } = inline;
            let body: String =
                (0..inline.statements).map(|n| format!(" x = x * {} ^ {n};", value | 1)).collect();
            match inline.kind {
                InlineKind::Function => {
                    write!(text, "inline __attribute__((noinline)) long inline_{id}(long x) {{{body} return x + {value}; }}")
                }
                InlineKind::Template => write!(
                    text,
                    "template <int N> __attribute__((noinline)) long template_{id}(long x) {{{body} return x * N + {value}; }}\n\
                     inline long inline_{id}(long x) {{ return template_{id}<3>(x) + template_{id}<4>(x); }}"
                ),
                InlineKind::Counter => write!(
                    text,
                    "inline __attribute__((noinline)) long inline_{id}(long x) {{ static long count = {value}; {body} return x + count++; }}"
                ),
                InlineKind::Class => write!(
                    text,
                    "struct Class_{id} {{ long value; Class_{id}() : value({value}) {{}} virtual long get(long x) {{{body} return x + value; }} virtual ~Class_{id}() {{}} }};\n\
                     inline __attribute__((noinline)) long inline_{id}(long x) {{ Class_{id} *object = new Class_{id}; \
                     __asm__(\"\" : \"+r\"(object)); x = object->get(x); delete object; return x; }}"
                ),
            }
            .unwrap();
            text.push('\n');
        }
        text
    }
}

/// Writes the source of one unit.
struct Writer<'a> {
    program: &'a Program,
    unit: &'a Unit,
    text: String,
}

impl Writer<'_> {
    fn write(mut self) -> String {
        let unit = self.unit;
        if unit.cpp {
            self.text.push_str(&self.program.header());
            self.text.push_str("extern \"C\" {\n");
        } else if unit.header {
            writeln!(self.text, "enum {{ HEADER = {} }};", self.program.header_value).unwrap();
        }
        self.text.push_str("extern long trace, unordered;\nint printf(const char *, ...);\n");
        self.declare();
        for item in &unit.items {
            self.item(item);
        }
        if let Some((item, into)) = self.program.duplicate
            && into == unit.id
            && !unit
                .items
                .iter()
                .any(|own| own.id == item || matches!(own.what, What::Fallback { of, .. } if of == item))
            && let Some((_, item)) = self.program.find(item)
        {
            writeln!(self.text, "long {}(long x) {{ return x; }}", item.symbol()).unwrap();
        }
        self.entry();
        if unit.cpp {
            self.text.push_str("}\n");
        }
        self.text
    }

    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    /// Declares what other units and libraries have, and what is further down in this one.
    fn declare(&mut self) {
        let mut refs: BTreeSet<Ref> = BTreeSet::new();
        for item in &self.unit.items {
            match &item.what {
                What::Function { refs: from, .. } => refs.extend(from),
                What::Table { functions, data, .. } => refs.extend(functions.iter().chain(data)),
                _ => {}
            }
        }
        for item in &self.unit.items {
            // Definitions of data come first, see `item`; functions are declared.
            if let What::Function { .. } = &item.what {
                let storage = if item.linkage == Linkage::Static { "static " } else { "" };
                self.line(format!("{storage}long {}(long);", item.symbol()));
            }
        }
        let duplicate =
            self.program.duplicate.filter(|(_, into)| *into == self.unit.id).map(|(item, _)| item);
        for reference in &refs {
            match *reference {
                Ref::Item(id) | Ref::Maybe(id) => {
                    let own = self.unit.items.iter().any(|item| item.id == id);
                    let strong = refs.contains(&Ref::Item(id));
                    // What this unit defines once more must not become weak by this.
                    let twice = duplicate == Some(id);
                    if own || matches!(reference, Ref::Maybe(_)) && strong {
                        continue;
                    }
                    let weak = if strong || twice { "" } else { " __attribute__((weak))" };
                    match self.program.find(id) {
                        Some((_, item)) => {
                            let symbol = item.symbol();
                            match &item.what {
                                What::Data { storage, .. } => {
                                    let thread = matches!(storage, Storage::Thread | Storage::ThreadZero);
                                    let thread = if thread { "__thread " } else { "" };
                                    self.line(format!("extern {thread}int {symbol}[];"));
                                }
                                What::Text(_) => self.line(format!("extern const char *{symbol};")),
                                _ => self.line(format!("extern long {symbol}(long){weak};")),
                            }
                        }
                        // It was taken away, and somebody forgot this.
                        None => self.line(format!("extern long f{id}(long){weak};")),
                    }
                }
                Ref::Libc(row) => self.line(LIBC[row].0),
                Ref::LibraryFunction(id) => self.line(format!("extern long lf{id}(long);")),
                Ref::LibraryData(id) => self.line(format!("extern int ld{id}[];")),
                Ref::Inline(_) => {}
            }
        }
    }

    /// The value of a reference in a function whose depth is `x`.
    fn value(&self, reference: Ref) -> String {
        match reference {
            Ref::Item(id) => match self.program.find(id) {
                Some((_, item)) => match &item.what {
                    What::Data { .. } => format!("{}[0]", item.symbol()),
                    What::Text(_) => format!("{}[0]", item.symbol()),
                    What::Function { throws: true, .. } if self.unit.cpp => {
                        format!(
                            "({{ long y; try {{ y = {}(x - 1); }} catch (long z) {{ y = z; }} y; }})",
                            item.symbol()
                        )
                    }
                    _ => format!("{}(x - 1)", item.symbol()),
                },
                None => format!("f{id}(x - 1)"),
            },
            Ref::Maybe(id) => {
                let symbol = self.program.find(id).map_or(format!("f{id}"), |(_, item)| item.symbol());
                let own = self.unit.items.iter().any(|item| item.id == id);
                match own {
                    true => format!("{symbol}(x - 1)"),
                    false => format!("({symbol} ? {symbol}(x - 1) : -{id})"),
                }
            }
            Ref::Libc(row) => LIBC[row].1.to_owned(),
            Ref::LibraryFunction(id) => format!("lf{id}(x - 1)"),
            Ref::LibraryData(id) => format!("ld{id}[0]"),
            Ref::Inline(id) => format!("inline_{id}(x - 1)"),
        }
    }

    /// The address of a reference, as a table has it.
    fn address(&self, reference: Ref) -> String {
        let symbol = |id: Id| self.program.find(id).map_or(format!("f{id}"), |(_, item)| item.symbol());
        match reference {
            Ref::Item(id) | Ref::Maybe(id) => symbol(id),
            Ref::Libc(row) => {
                let declaration = LIBC[row].0;
                declaration[..declaration.find('(').unwrap()].rsplit([' ', '*']).next().unwrap().to_owned()
            }
            Ref::LibraryFunction(id) => format!("lf{id}"),
            Ref::LibraryData(id) => format!("ld{id}"),
            Ref::Inline(id) => format!("inline_{id}"),
        }
    }

    fn item(&mut self, item: &Item) {
        let symbol = item.symbol();
        let mut attributes = match item.linkage {
            Linkage::Static | Linkage::Global => String::new(),
            Linkage::Weak => " __attribute__((weak))".to_owned(),
            Linkage::Hidden => " __attribute__((visibility(\"hidden\")))".to_owned(),
        };
        let local = if item.linkage == Linkage::Static { "static " } else { "" };
        match &item.what {
            What::Function { value, statements, skip, refs, throws, indirect } => {
                attributes.push_str(" __attribute__((noipa, used))");
                // The compiler has no weak indirect functions.
                let indirect = *indirect && !self.unit.cpp && item.linkage != Linkage::Weak;
                let name = if indirect { format!("{symbol}_actual") } else { symbol.clone() };
                let mut body = String::new();
                for n in 0..*statements {
                    writeln!(
                        body,
                        "    y = (y ^ {}) * {} + (y >> 7);",
                        value.wrapping_add(n as u32),
                        (n * 2) | 0x1235
                    )
                    .unwrap();
                }
                if *skip > 0 {
                    writeln!(body, "    __asm__ volatile(\".skip {skip}, 0x90\");").unwrap();
                }
                if *throws && self.unit.cpp {
                    writeln!(body, "    if ((x & 1) == 0) throw (long){value};").unwrap();
                }
                for reference in refs {
                    writeln!(body, "    if (x > 0) y = y * 33 + {};", self.value(*reference)).unwrap();
                }
                let (own, attributes_here) = if indirect {
                    ("static ", " __attribute__((noipa, used))")
                } else {
                    (local, attributes.as_str())
                };
                self.line(format!("{own}{}long {name}(long x) {{\n    unsigned long y = {value}u + (unsigned long)x;\n{body}    return (long)y;\n}}", attributes_here.trim_start()));
                if indirect {
                    self.line(format!("static void *{symbol}_resolver(void) {{ return (void *){name}; }}"));
                    let attributes = attributes.replace(" __attribute__((noipa, used))", "");
                    self.line(format!("{local}long {symbol}(long) __attribute__((ifunc(\"{symbol}_resolver\"))){attributes};"));
                }
            }
            What::Data { storage, len, value, align } => {
                let align = format!(" __attribute__((aligned({align}), used))");
                let linkage = if *storage == Storage::Common { "" } else { local };
                let extern_const = if self.unit.cpp && *storage == Storage::Constant && local.is_empty() {
                    "extern "
                } else {
                    ""
                };
                let initial = format!("{{ (int){value}u }}");
                // The last element has a value too, so that the whole is seen to be there.
                let both = if *len > 1 && !self.unit.cpp {
                    format!("{{ (int){value}u, [{len} - 1] = {len} }}")
                } else {
                    initial
                };
                self.line(match storage {
                    Storage::Data => format!("{linkage}int {symbol}[{len}]{align}{attributes} = {both};"),
                    Storage::Constant => format!(
                        "{extern_const}{linkage}const int {symbol}[{len}]{align}{attributes} = {both};"
                    ),
                    Storage::Zero => format!("{linkage}int {symbol}[{len}]{align}{attributes};"),
                    Storage::Thread => {
                        format!("{linkage}__thread int {symbol}[{len}]{align}{attributes} = {both};")
                    }
                    Storage::ThreadZero => {
                        format!("{linkage}__thread int {symbol}[{len}]{align}{attributes};")
                    }
                    // C++ has no common symbols.
                    Storage::Common if self.unit.cpp => format!("int {symbol}[{len}]{align};"),
                    Storage::Common => format!("int {symbol}[{len}] __attribute__((common)){align};"),
                });
            }
            What::Table { functions, data, constant } => {
                let constant = if *constant { "const " } else { "" };
                let list = |refs: &[Ref], cast: &str| {
                    refs.iter().map(|at| format!("{cast}{}, ", self.address(*at))).collect::<String>() + "0"
                };
                let (calls, places) = (list(functions, "(long (*)(long))"), list(data, "(int *)"));
                self.line(format!(
                    "static long (*{constant}{symbol}_f[])(long) = {{ {calls} }};\n\
                     static int *{constant}{symbol}_d[] = {{ {places} }};"
                ));
            }
            What::Text(content) => {
                self.line(format!("{local}const char *{symbol}{attributes} = \"{content}\";"));
            }
            What::Constructor { priority, destructor } => {
                let priority = priority.map_or(String::new(), |priority| format!("({priority})"));
                let id = item.id;
                let trace = if self.unit.ordered {
                    format!("trace = trace * 31 + {id};")
                } else {
                    format!("unordered += {id};")
                };
                self.line(format!(
                    "__attribute__((constructor{priority})) static void {symbol}(void) {{ {trace} }}"
                ));
                if *destructor && self.unit.ordered {
                    self.line(format!(
                        "__attribute__((destructor{priority})) static void {symbol}_end(void) {{ printf(\"end {id}\\n\"); }}"
                    ));
                }
            }
            What::Object { value } if self.unit.cpp => {
                let id = item.id;
                let (trace, end) = match self.unit.ordered {
                    true => {
                        ("trace = trace * 31 + value;", format!("printf(\"object {id} %ld\\n\", value);"))
                    }
                    false => ("unordered += value;", String::new()),
                };
                self.line(format!(
                    "struct Object_{id} {{ long value; Object_{id}() : value({value}) {{ {trace} }} \
                     ~Object_{id}() {{ {end} }} }};\nstatic Object_{id} {symbol};"
                ));
            }
            What::Object { .. } => {}
            What::Alias(target) => {
                let Some(target) = self.unit.items.iter().find(|item| item.id == *target) else { return };
                self.line(format!(
                    "{local}long {symbol}(long){attributes} __attribute__((alias(\"{}\")));",
                    target.symbol()
                ));
            }
            What::Tentative { of, len } => {
                self.line(format!("int {}[{len}] __attribute__((common));", self.program.symbol_of(*of)));
            }
            What::Fallback { of, value } => {
                self.line(format!(
                    "__attribute__((weak, noipa)) long {}(long x) {{ return x * 5 + {value}u; }}",
                    self.program.symbol_of(*of)
                ));
            }
        }
    }

    /// The function by which `main` knows the unit.
    fn entry(&mut self) {
        let unit = self.unit;
        let mut fill = String::new();
        let mut digest = String::new();
        for item in &unit.items {
            let symbol = item.symbol();
            match &item.what {
                What::Function { .. } | What::Alias(_) => {
                    let throws = matches!(&item.what, What::Function { throws: true, .. });
                    let throws = throws && unit.cpp;
                    match throws {
                        true => writeln!(
                            digest,
                            "    try {{ h = h * 31 + {symbol}(2); }} catch (long z) {{ h = h * 31 - z; }}"
                        ),
                        false => writeln!(digest, "    h = h * 31 + {symbol}(3);"),
                    }
                    .unwrap();
                }
                What::Data { storage, len, align, .. } => {
                    if *storage != Storage::Constant {
                        // What is there at first is part of the pattern.
                        writeln!(
                            fill,
                            "    for (int i = 0; i < {len}; i++) {symbol}[i] = {symbol}[i] * 3 + i + {};",
                            item.id
                        )
                        .unwrap();
                    }
                    // The compiler must not know what is there, nor that it is aligned.
                    writeln!(
                        digest,
                        "    {{ int *p = (int *){symbol}; __asm__(\"\" : \"+r\"(p) : : \"memory\"); h = h * 31 + ((unsigned long)p & ({align} - 1));\n      \
                         for (int i = 0; i < {len}; i++) h = h * 31 + p[i]; }}"
                    )
                    .unwrap();
                }
                What::Table { functions, data, .. } => {
                    writeln!(
                        digest,
                        "    for (int i = 0; i < {}; i++) h = h * 31 + {symbol}_f[i](2);",
                        functions.len()
                    )
                    .unwrap();
                    writeln!(
                        digest,
                        "    for (int i = 0; i < {}; i++) h = h * 31 + {symbol}_d[i][0];",
                        data.len()
                    )
                    .unwrap();
                }
                What::Text(_) => {
                    writeln!(digest, "    for (const char *p = {symbol}; *p; p++) h = h * 31 + *p;").unwrap();
                }
                What::Tentative { of, len } => {
                    let symbol = self.program.symbol_of(*of);
                    writeln!(fill, "    for (int i = 0; i < {len}; i++) {symbol}[i] += i + {};", item.id)
                        .unwrap();
                    writeln!(digest, "    for (int i = 0; i < {len}; i++) h = h * 31 + {symbol}[i];")
                        .unwrap();
                }
                What::Fallback { of, .. } => {
                    writeln!(digest, "    h = h * 31 + {}(1);", self.program.symbol_of(*of)).unwrap();
                }
                What::Constructor { .. } | What::Object { .. } => {}
            }
        }
        let header = if unit.header || unit.cpp { "HEADER" } else { "0" };
        let id = unit.id;
        self.line(format!(
            "long unit_{id}(int phase) {{\n    long h = {} + {header};\n    if (phase == 0) {{\n{fill}    return 0;\n    }}\n{digest}    return h;\n}}",
            unit.value
        ));
        if !unit.called {
            return;
        }
        match self.program.style {
            Style::Constructors => self.line(format!(
                "void know(int, long (*)(int));\n__attribute__((constructor)) static void tell_{id}(void) {{ know({id}, unit_{id}); }}"
            )),
            Style::Section => self.line(format!(
                "struct entry {{ long id; long (*unit)(int); }};\n\
                 __attribute__((section(\"registry\"), used)) static const struct entry entry_{id} = {{ {id}, unit_{id} }};"
            )),
            Style::Named | Style::Weak => {}
        }
    }
}
