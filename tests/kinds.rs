//! Kinds of edits, and what each costs: which are followed by a relink, and which need a full link. After each the
//! program does what GNU ld's does, and what one does that was linked from nothing, under every pager.

use unfold_tests::directives::Compiler;
use unfold_tests::project::Project;

/// How a link may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cost {
    /// As a relink.
    Relink,
    /// In full, for a reason that has this in it.
    Full(&'static str),
    /// Either.
    Any,
}
use Cost::{Any, Full, Relink};

struct Edits {
    project: Project,
    words: Vec<&'static str>,
    links: std::cell::Cell<u32>,
}

impl Edits {
    /// A project whose program is linked from these words.
    fn new(name: &str, words: &[&'static str]) -> Self {
        let project = Project::new(&format!("kinds/{name}"));
        Self { project, words: words.to_vec(), links: Default::default() }
    }

    fn edit(&self, file: &str, text: &str) -> &Self {
        self.project.edit(file, text);
        self
    }

    fn archive(&self, operation: &str, name: &str, members: &[&str]) -> &Self {
        if self.project.exists(name) {
            self.project.remove(name);
        }
        self.project.tool("ar", &[&[operation, name], members].concat());
        self
    }

    fn words(&mut self, words: &[&'static str]) -> &Self {
        self.words = words.to_vec();
        self
    }

    /// Links and runs, and compares.
    fn link(&self, cost: Cost) -> String {
        let project = &self.project;
        let link = self.links.replace(self.links.get() + 1);
        let compiler = if self.words.contains(&"g++") { Compiler::Gxx } else { Compiler::Gcc };
        let words: Vec<&str> = self.words.iter().copied().filter(|word| *word != "g++").collect();
        project.tool(compiler.command(), &[words.as_slice(), &["-o", "twin"]].concat());
        project.link_as(compiler, &[words.as_slice(), &["-o", "app"]].concat());
        let status = project.status("app");
        let index = format!("-Wl,--unfold-index=from-nothing-{link}");
        let is_ours = status.is_some();
        if is_ours {
            project.link_as(compiler, &[words.as_slice(), &["-o", "fresh", &index]].concat());
        }
        if let (Some(status), true) = (&status, link > 0) {
            match cost {
                Relink => assert!(status.incremental, "link {link}: {status:?}"),
                Full(why) => {
                    let said = status.why_full.as_deref().unwrap_or("incremental");
                    assert!(said.contains(why), "link {link}: {said:?}, not {why:?}");
                }
                Any => {}
            }
        }
        let expected = project.run("twin", &[]);
        for (app, pager) in [("app", "auto"), ("app", "signal"), ("app", "eager"), ("fresh", "auto")] {
            if app == "fresh" && !is_ours {
                continue;
            }
            project.set_env("UNFOLD_PAGER", pager);
            let found = project.run(app, &[]);
            assert_eq!(found, expected, "link {link}: {app} under {pager}: {status:?}");
            project.unset_env("UNFOLD_PAGER");
        }
        if let (Some(fresh), Some(status)) = (is_ours.then(|| project.status("fresh")).flatten(), &status) {
            assert_eq!(status.objects, fresh.objects, "link {link}: {status:?}");
        }
        expected.stdout_text()
    }
}

const MAIN: &str = "#include <stdio.h>\nint f(void);\nint main(void) { printf(\"%d\\n\", f()); return 0; }\n";

/// A library of two members that are needed and one that is not, and a program.
fn library(name: &str, words: &[&'static str]) -> Edits {
    let edits = Edits::new(name, words);
    edits.edit("main.c", MAIN);
    edits.edit("f.c", "int g(void);\nint f(void) { return g() + 1; }\n");
    edits.edit("g.c", "int g(void) { return 10; }\n");
    edits.edit(
        "unused.c",
        "#include <stdio.h>\n__attribute__((constructor)) static void say(void) { puts(\"unused\"); }\nint unused(void) { return 5; }\n",
    );
    edits.archive("rcs", "liba.a", &["f.o", "g.o", "unused.o"]);
    edits.link(Any);
    edits
}

const ALL: &[&str] = &["f.o", "g.o", "unused.o"];

#[test]
fn a_member_gets_more_symbols_and_loses_them() {
    for (name, make) in [("symbols", "rcs"), ("symbols-thin", "rcsT")] {
        let edits = library(name, &["main.o", "liba.a"]);
        edits.archive(make, "liba.a", ALL).link(if make == "rcs" { Relink } else { Any });
        edits.edit("g.c", "int more(void) { return 3; }\nint g(void) { return 20 + more(); }\n");
        edits.archive(make, "liba.a", ALL).link(Relink);
        edits.edit("f.c", "int g(void), more(void);\nint f(void) { return g() + more(); }\n");
        edits.archive(make, "liba.a", ALL).link(Relink);
        edits.edit("f.c", "int g(void);\nint f(void) { return g() + 2; }\n");
        edits.edit("g.c", "int g(void) { return 10; }\n");
        edits.archive(make, "liba.a", ALL).link(Relink);
    }
}

#[test]
fn members_come_and_go() {
    let edits = library("members", &["main.o", "liba.a"]);
    edits.edit("other.c", "int other(void) { return 4; }\n");
    edits.archive("rcs", "liba.a", &["other.o", "f.o", "g.o", "unused.o"]).link(Relink);
    edits.archive("rcs", "liba.a", &["unused.o", "f.o", "other.o", "g.o"]).link(Relink);
    edits.archive("rcs", "liba.a", &["f.o", "g.o"]).link(Relink);
    edits.archive("rcs", "liba.a", &["g.o", "f.o"]).link(Any);
    // It is needed now, and then no longer.
    edits.edit("main.c", &MAIN.replace("f(void);", "f(void), other(void);").replace("f()", "f() + other()"));
    edits.archive("rcs", "liba.a", &["g.o", "f.o", "unused.o", "other.o"]).link(Relink);
    edits.edit("main.c", MAIN).link(Relink);
}

#[test]
fn a_member_with_a_constructor_is_needed_and_then_not() {
    let edits = library("constructor", &["main.o", "liba.a"]);
    edits.edit("f.c", "int unused(void);\nint f(void) { return unused(); }\n");
    edits.archive("rcs", "liba.a", ALL);
    assert!(edits.link(Any).contains("unused"));
    edits.edit("f.c", "int f(void) { return 7; }\n");
    edits.archive("rcs", "liba.a", ALL);
    assert_eq!(edits.link(Any), "7\n");
}

#[test]
fn a_member_that_nobody_needs_goes_with_what_it_needed() {
    let edits = library("chain", &["main.o", "liba.a"]);
    edits.edit("main.c", &MAIN.replace("f()", "3")).link(Relink);
    edits.edit("main.c", MAIN).link(Relink);
    // Another object wants it too, for which it is still there.
    edits
        .edit("main.c", &MAIN.replace("int main", "int g(void);\nint main").replace("f()", "f() + g()"))
        .link(Relink);
    edits.edit("f.c", "int f(void) { return 1; }\n").archive("rcs", "liba.a", ALL).link(Relink);
    edits.edit("main.c", MAIN).link(Relink);
}

#[test]
fn an_archive_offers_what_was_weak_or_common() {
    let edits = Edits::new("offers", &["main.o", "liba.a"]);
    edits.edit(
        "main.c",
        "#include <stdio.h>\n__attribute__((weak)) int w(void);\nint f(void);\n\
         int main(void) { printf(\"%d %d\\n\", f(), w ? w() : -1); return 0; }\n",
    );
    edits.edit("f.c", "int f(void) { return 1; }\n");
    edits.edit("w.c", "int other(void) { return 1; }\n");
    edits.archive("rcs", "liba.a", &["f.o", "w.o"]).link(Any);
    // A weak reference loads nothing.
    edits.edit("w.c", "int w(void) { return 6; }\n");
    edits.archive("rcs", "liba.a", &["f.o", "w.o"]).link(Relink);
    edits.edit("f.c", "int w(void);\nint f(void) { return w(); }\n");
    edits.archive("rcs", "liba.a", &["f.o", "w.o"]).link(Any);
    edits.edit("f.c", "int f(void) { return 9; }\n");
    edits.archive("rcs", "liba.a", &["f.o", "w.o"]).link(Any);
}

#[test]
fn a_common_symbol_of_an_unused_member_gets_a_value() {
    let edits = Edits::new("common", &["main.o", "liba.a"]);
    let project = &edits.project;
    project.write(
        "main.c",
        "#include <stdio.h>\nint shared;\nint main(void) { printf(\"%d\\n\", shared); return 0; }\n",
    );
    project.compile_with("main.c", &["-fcommon"]);
    project.write("c.c", "int shared;\nint other(void) { return shared; }\n");
    project.compile_with("c.c", &["-fcommon"]);
    edits.archive("rcs", "liba.a", &["c.o"]).link(Any);
    edits.edit("c.c", "int shared = 8;\nint other(void) { return shared; }\n");
    edits.archive("rcs", "liba.a", &["c.o"]);
    assert_eq!(edits.link(Any), "8\n");
    project.write("main.c", "#include <stdio.h>\nint shared, more[100];\nint main(void) { printf(\"%d\\n\", shared + more[99]); return 0; }\n");
    project.compile_with("main.c", &["-fcommon"]);
    edits.link(Any);
    project.write("main.c", "#include <stdio.h>\nint shared, more[4000];\nint main(void) { for (int i = 0; i < 4000; i++) more[i] = i; printf(\"%d\\n\", shared + more[3999]); return 0; }\n");
    project.compile_with("main.c", &["-fcommon"]);
    edits.link(Any);
}

#[test]
fn members_of_one_name() {
    let edits = Edits::new("one-name", &["main.o", "liba.a"]);
    edits.edit("main.c", MAIN);
    for (folder, text) in
        [("x", "int g(void);\nint f(void) { return g() + 1; }\n"), ("y", "int g(void) { return 2; }\n")]
    {
        edits.edit(&format!("{folder}/m.c"), text);
    }
    let make = || edits.archive("qcs", "liba.a", &["x/m.o", "y/m.o"]);
    make().link(Any);
    edits.edit("y/m.c", "int h(void) { return 30; }\nint g(void) { return h(); }\n");
    make().link(Relink);
    edits.edit("x/m.c", "int g(void);\nint f(void) { return g() * 2; }\n");
    make().link(Relink);
}

#[test]
fn members_get_other_names() {
    let edits = library("renamed", &["main.o", "liba.a"]);
    let project = &edits.project;
    for round in ["one", "two"] {
        for name in ["f", "g"] {
            project.tool("cp", &[&format!("{name}.o"), &format!("{name}.{round}.o")]);
        }
        edits.archive("rcs", "liba.a", &[&format!("f.{round}.o"), &format!("g.{round}.o")]).link(Relink);
        if let Some(status) = project.status("app") {
            assert!(status.reindexed.is_empty(), "{status:?}");
        }
    }
    edits.edit("g.c", "int g(void) { return 11; }\n");
    project.tool("cp", &["f.o", "f.three.o"]);
    project.tool("cp", &["g.o", "g.three.o"]);
    edits.archive("rcs", "liba.a", &["f.three.o", "g.three.o"]).link(Relink);
    if let Some(status) = project.status("app") {
        assert_eq!(status.reindexed.len(), 1, "{status:?}");
    }
}

#[test]
fn whole_archives_and_lazy_objects() {
    let edits = library("whole", &["main.o", "-Wl,--whole-archive", "liba.a", "-Wl,--no-whole-archive"]);
    edits.edit("g.c", "int more(void) { return 1; }\nint g(void) { return more(); }\n");
    edits.archive("rcs", "liba.a", ALL).link(Relink);
    edits.edit("extra.c", "int extra(void) { return 1; }\n");
    edits.archive("rcs", "liba.a", &["f.o", "g.o", "unused.o", "extra.o"]).link(Relink);
    edits.archive("rcs", "liba.a", ALL).link(Relink);
    edits.edit(
        "extra.c",
        "#include <stdio.h>\n__attribute__((constructor)) static void say(void) { puts(\"extra\"); }\n",
    );
    edits.archive("rcs", "liba.a", &["f.o", "g.o", "unused.o", "extra.o"]).link(Full("in its row"));
}

#[test]
fn objects_are_added_to_the_command_line() {
    let mut edits = Edits::new("command-line", &["main.o", "f.o"]);
    edits.edit("main.c", MAIN).edit("f.c", "int f(void) { return 1; }\n").link(Any);
    edits.edit("g.c", "int g(void) { return 5; }\nint table[3] = {1, 2, 3};\n");
    edits.words(&["main.o", "f.o", "g.o"]).link(Relink);
    edits
        .edit("f.c", "int g(void); extern int table[];\nint f(void) { return g() + table[1]; }\n")
        .link(Relink);
    edits.edit("h.c", "int g(void);\nint h(void) { return g() * 2; }\n");
    edits.edit("f.c", "int h(void);\nint f(void) { return h(); }\n");
    edits.words(&["main.o", "h.o", "f.o", "g.o"]).link(Relink);
    edits.edit("f.c", "int g(void);\nint f(void) { return g(); }\n");
    edits.words(&["main.o", "f.o", "g.o"]).link(Relink);
    edits.words(&["main.o", "g.o", "f.o"]).link(Full("another order"));
    edits.edit(
        "c.c",
        "#include <stdio.h>\n__attribute__((constructor)) static void say(void) { puts(\"c\"); }\n",
    );
    edits.words(&["main.o", "c.o", "g.o", "f.o"]).link(Full("in its row"));
    edits.words(&["main.o", "g.o", "f.o"]).link(Any);
}

#[test]
fn what_comes_first_on_the_command_line_wins() {
    let mut edits = Edits::new("first", &["main.o", "a.o"]);
    edits.edit("main.c", MAIN);
    edits.edit("a.c", "__attribute__((weak)) int f(void) { return 1; }\n").link(Any);
    edits.edit("b.c", "__attribute__((weak)) int f(void) { return 2; }\n");
    assert_eq!(edits.words(&["main.o", "b.o", "a.o"]).link(Relink), "2\n");
    assert_eq!(edits.words(&["main.o", "a.o"]).link(Relink), "1\n");
    assert_eq!(edits.words(&["main.o", "a.o", "b.o"]).link(Relink), "1\n");
    edits.edit("b.c", "int f(void) { return 3; }\n");
    assert_eq!(edits.link(Relink), "3\n");
    edits.edit("a.c", "static int x(void) { return 1; }\nint a(void) { return x(); }\n");
    assert_eq!(edits.link(Relink), "3\n");
    edits.edit("b.c", "__attribute__((weak, visibility(\"hidden\"))) int f(void) { return 4; }\n");
    assert_eq!(edits.link(Relink), "4\n");
}

#[test]
fn functions_of_libc_that_no_object_used_before() {
    for (name, flags) in [
        ("libc", &["main.o", "f.o"][..]),
        ("libc-now", &["main.o", "f.o", "-Wl,-z,now"]),
        ("libc-no-pie", &["main.o", "f.o", "-no-pie"]),
    ] {
        let edits = Edits::new(name, flags);
        let project = &edits.project;
        let compile = |text: &str, relocated: &[&str]| {
            project.write("f.c", text);
            project.compile_with("f.c", relocated);
        };
        project.write("main.c", MAIN);
        project.compile_with("main.c", &["-fPIE"]);
        compile("int f(void) { return 1; }\n", &[]);
        edits.link(Any);
        let pie: &[&str] = &["-fPIC", "-fno-builtin"];
        compile("#include <string.h>\nint f(void) { return strlen(\"four\"); }\n", pie);
        edits.link(Relink);
        compile(
            "#include <stdlib.h>\n#include <string.h>\nint f(void) { return strlen(\"four\") + atoi(\"30\") + abs(-3); }\n",
            pie,
        );
        edits.link(Relink);
        compile(
            "#include <ctype.h>\n#include <math.h>\n#include <stdlib.h>\n\
             static int (*const table[])(int) = {toupper, tolower};\n\
             int f(void) { int (*volatile p)(int) = table[0]; int (*volatile q)(int) = isdigit; return p('a') + (q('1') != 0) + atoi(\"5\"); }\n",
            pie,
        );
        // `abs` and `strlen` go, and with them their imports.
        edits.link(Full("is no longer needed"));
        compile(
            "#include <unistd.h>\n#include <stdio.h>\nint f(void) { fprintf(stderr, \"%s\", \"\"); return getopt(0, 0, \"\") + optind; }\n",
            pie,
        );
        edits.link(Any);
        // A new version of a library that is asked for others already.
        compile(
            "#include <stdio.h>\n#include <sys/stat.h>\nint f(void) { struct stat s; return stat(\"/\", &s) + (s.st_mode != 0); }\n",
            pie,
        );
        edits.link(Any);
        compile("#include <math.h>\nint f(void) { return 4; }\n", pie);
        edits.link(Full("is no longer needed"));
    }
}

#[test]
fn an_import_that_was_called_has_its_address_taken() {
    let edits = Edits::new("address", &["main.o", "f.o"]);
    edits.edit("main.c", MAIN);
    edits.edit("f.c", "int puts(const char *);\nint f(void) { return puts(\"x\") > 0; }\n").link(Any);
    let project = &edits.project;
    project.write("f.c", "int puts(const char *), atoi(const char *);\nint f(void) { int (*volatile p)(const char *) = puts; return p(\"y\") > 0; }\n");
    project.compile_with("f.c", &["-fPIC"]);
    edits.link(Relink);
    project.write("f.c", "int puts(const char *), atoi(const char *);\nint (*table[])(const char *) = {puts, atoi};\nint f(void) { int (*volatile p)(const char *) = puts; return (p == table[0]) + table[1](\"3\"); }\n");
    project.compile_with("f.c", &["-fPIC"]);
    edits.link(Any);
    project.write(
        "f.c",
        "int puts(const char *), atoi(const char *);\nint f(void) { puts(\"z\"); return atoi(\"55\"); }\n",
    );
    project.compile_with("f.c", &["-fPIC"]);
    edits.link(Relink);
}

#[test]
fn definitions_move_between_objects() {
    let mut edits = Edits::new("moves", &["main.o", "a.o", "b.o"]);
    edits.edit("main.c", "#include <stdio.h>\nint f(void), g(void); extern int data;\nint (*table[])(void) = {f, g};\nint main(void) { printf(\"%d %d %d %d\\n\", f(), g(), table[0](), data); return 0; }\n");
    edits.edit("a.c", "int f(void) { return 1; }\nint data = 5;\n");
    edits.edit("b.c", "int g(void) { return 2; }\n").link(Any);
    edits
        .edit("a.c", "int data = 6;\n")
        .edit("b.c", "int f(void) { return 3; }\nint g(void) { return 2; }\n")
        .link(Relink);
    edits
        .edit("a.c", "int g(void) { return 7; }\n")
        .edit("b.c", "int f(void) { return 3; }\nint data = 9;\n")
        .link(Relink);
    edits.edit("c.c", "int g(void) { return 8; }\n").edit("a.c", "int unused(void) { return 8; }\n");
    edits.words(&["main.o", "a.o", "b.o", "c.o"]).link(Relink);
    edits
        .edit("c.c", "int g(void) { return 8; }\n__attribute__((weak)) int f(void) { return 100; }\n")
        .link(Relink);
    edits.edit("b.c", "int data = 9;\n").link(Relink);
    edits
        .edit("b.c", "int data = 9;\n__attribute__((visibility(\"hidden\"))) int f(void) { return 50; }\n")
        .link(Relink);
}

#[test]
fn templates_come_and_go() {
    let mut edits = Edits::new("templates", &["g++", "main.o", "a.o", "b.o"]);
    let header = "#include <vector>\n#include <string>\n#include <cstdio>\ninline int counter() { static int n = 0; return ++n; }\n\
                  template <int N> struct T { static int value() { static int v = N; return v++ + counter(); } };\n\
                  int a(); int b();\n";
    edits.project.write("h.h", header);
    let source = |body: &str| format!("#include \"h.h\"\n{body}\n");
    let main =
        |extra: &str| source(&format!("int main() {{ std::printf(\"%d %d %d\\n\", a(), b(), {extra}); }}"));
    edits.edit("main.cpp", &main("0"));
    edits.edit("a.cpp", &source("int a() { return T<1>::value(); }"));
    edits.edit("b.cpp", &source("int b() { return T<1>::value() + T<2>::value(); }")).link(Any);
    edits.edit("main.cpp", &main("T<2>::value()")).link(Any);
    edits.edit("a.cpp", &source("int a() { return T<3>::value(); }")).link(Any);
    edits.edit("main.cpp", &main("T<3>::value() + T<1>::value()")).link(Any);
    edits.edit("b.cpp", &source("int b() { return T<4>::value(); }")).link(Any);
    edits.edit("main.cpp", &main("0")).link(Any);
    edits.edit("main.cpp", &source("int a2() { std::vector<int> v; for (int i = 0; i < 9; i++) v.push_back(i); return v.size(); }\nint main() { std::printf(\"%d %d %d\\n\", a(), b(), a2()); }")).link(Any);
    edits.edit("b.cpp", &source("int b() { std::vector<int> v; for (int i = 0; i < 7; i++) v.push_back(i); std::string s = \"x\"; s += std::to_string(v.size()); return s.size(); }")).link(Any);
    edits.edit("main.cpp", &main("1")).link(Any);
    edits.edit("c.cpp", &source("int c() { return T<4>::value() + T<1>::value(); }"));
    edits.words(&["g++", "c.o", "main.o", "a.o", "b.o"]).link(Any);
    edits.words(&["g++", "main.o", "a.o", "b.o"]).link(Any);
}

#[test]
fn a_group_moves_to_who_is_first_now() {
    // The two definitions differ, which nobody should write, and shows who won.
    let edits = Edits::new("groups", &["g++", "main.o", "a.o", "b.o"]);
    edits.edit(
        "main.cpp",
        "#include <cstdio>\nint a(), b();\nint main() { std::printf(\"%d %d\\n\", a(), b()); }\n",
    );
    edits.edit("a.cpp", "int a() { return 0; }\n");
    edits.edit("b.cpp", "inline int which() { return 2; }\nint b() { return which(); }\n").link(Any);
    edits.edit("a.cpp", "inline int which() { return 1; }\nint a() { return which(); }\n");
    assert_eq!(edits.link(Relink), "1 1\n");
    edits.edit("a.cpp", "int a() { return 0; }\n");
    assert_eq!(edits.link(Relink), "0 2\n");
}

#[test]
fn exported_symbols() {
    for (name, flag) in [("export", "-rdynamic"), ("static", "-static")] {
        let edits = Edits::new(name, &[]);
        edits.edit(
            "main.c",
            "#include <stdio.h>\nint f(void);\nint main(void) { printf(\"%d\\n\", f()); return 0; }\n",
        );
        edits.edit("f.c", "int f(void) { return 1; }\n");
        let mut edits = edits;
        edits
            .words(if flag == "-static" {
                &["main.o", "f.o", "-static"]
            } else {
                &["main.o", "f.o", "-rdynamic"]
            })
            .link(Any);
        edits.edit("f.c", "int f(void) { return 2; }\n").link(Relink);
        edits.edit("f.c", "int new_one(void) { return 2; }\nint f(void) { return new_one(); }\n").link(Any);
        edits.edit("f.c", "int f(void) { return 5; }\n").link(Any);
        let longer = "    x = x * 3 + 1;\n".repeat(200);
        edits
            .edit("f.c", &format!("int f(void) {{ volatile int x = 4;\n{longer}    return x; }}\n"))
            .link(Relink);
    }
}
