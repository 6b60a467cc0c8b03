#!/usr/bin/env python3
"""Makes the inputs from which fuzzing starts, small ones of each kind, in corpus/TARGET.

  tests/fuzz/seeds.py LD.UNFOLD

What gcc, as and ar make of a few lines, and what ld.unfold then leaves in its index.
"""

import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
LD = Path(sys.argv[1]).resolve()

SOURCES = {
    "plain.c": "int a, b[4]; extern int c; int f(int x) { return x + a + c; }\n"
    "static int g(void) { return 1; } int (*p)(void) = g; const char *s = \"text\";\n",
    "tls.c": "extern __thread int e; __thread int t = 1; static __thread int l;\n"
    "int f(void) { return e + t + l; } int *g(void) { return &e; } int *h(void) { return &l; }\n",
    "array.c": "static void f(void) {} static void g(void) {}\n"
    "__attribute__((section(\".ctors.100\"), used)) static void (*c[2])(void) = {f, g};\n"
    "__attribute__((section(\".init_array.7\"), used)) static void (*i)(void) = g;\n"
    "__attribute__((section(\"set\"))) int v = 1; __attribute__((weak)) int w(void) { return v; }\n",
    "common.c": "int x; long y[3]; extern int z __attribute__((weak)); int *f(void) { return &x; }\n"
    "void i(void) {} void *r(void) { return i; } void j(void) __attribute__((ifunc(\"r\")));\n",
}
ASSEMBLER = """
.symver old,name@V1
.symver new,name@@V2
.globl old, new
.text
old: new: .byte 0
.section .text.one,"axG",@progbits,one,comdat
.weak one
one: mov one@GOTPCREL(%rip), %rax
call *two@GOTPCREL(%rip)
jmp *two@GOTPCREL(%rip)
leaq x@tlsdesc(%rip), %rax
call *x@tlscall(%rax)
mov y@gottpoff(%rip), %rcx
add y@gottpoff(%rip), %rcx
movabs $two@GOT, %rax
movabs $two@GOTOFF, %rax
movabs $two@PLTOFF, %rax
lea _GLOBAL_OFFSET_TABLE_(%rip), %rbx
.section .note.GNU-stack,"x",@progbits
.section .tbss,"awT",@nobits
y: .zero 8
.data
.byte one - . , abs
.word abs
.long abs, one - .
.quad one, one - .
abs = 3
"""
START = """
.globl _start
_start: call f
mov $60, %eax
xor %edi, %edi
syscall
"""
PROGRAM = {
    "start.s": START,
    "f.c": "int value = 5; const char *text = \"abc\"; int f(void) { return value + text[1]; }\n",
    "g.c": "extern int value; int g(int x) { switch (x) { case 1: return 2; case 2: return 9; default: return value; } }\n",
}
SCRIPTS = [
    (0, "/* libc */ OUTPUT_FORMAT(elf64-x86-64)\nGROUP ( /lib/libc.so.6 libm.a AS_NEEDED ( ld.so ) -lm )"),
    (0, "INPUT(\"a b.o\", c.o) SEARCH_DIR(=/usr/lib); EXTERN(x) TARGET(y)"),
    (0, "SECTIONS { .text : { *(.text) } } a = 1; PROVIDE(b = 2);"),
    (1, "V1 { global: foo*; [a-z]\\*; extern \"C++\" { ns::*; \"f(int)\" }; local: *; }; # x\nV2 { g; } V1;"),
    (1, "{ global: f; x?y[!a-z]*; local: *; };"),
    (2, "{ foo; b*; }; { extern \"C++\" { \"f(int)\"; vtable*; }; };"),
    (3, "a = b + 0x1000K"),
    (3, "(1 << 3) | ~2 ? x : y - 077h"),
    (4, "_ZN2ns1SIiNS_1TEEC1Ev"),
    (4, "_ZNSt6vectorIiSaIiEE9push_backEOi"),
    (4, "_ZTv0_n24_N4Type3keyEv"),
    (4, "_RNvXs_C5crateNtB4_1SNtNtC4core3fmt7Display3fmt"),
    (4, "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE"),
]
# Elements of the files of an index: first byte of the target, name in the folder of a generation.
LISTS = [(1, "log"), (2, "order"), (3, "changed"), (4, "needed"), (5, "names"), (7, "functions"), (9, "status.json")]


def run(work, *words, env=None):
    subprocess.run(words, cwd=work, check=True, env={**os.environ, "UNFOLD_BACKGROUND": "off", **(env or {})})


def put(target, name, contents):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ("seed-" + name.replace("/", "-"))).write_bytes(contents)


def objects(work):
    for name, text in {**SOURCES, "all.s": ASSEMBLER}.items():
        (work / name).write_text(text)
        flags = {"pic": ["-fPIC", "-g"], "O2": ["-O2", "-ffunction-sections", "-mcmodel=large"], "desc": ["-fPIC", "-mtls-dialect=gnu2"]}
        for kind, words in flags.items():
            out = f"{name}-{kind}.o"
            run(work, "gcc", "-w", "-c", *words, name, "-o", out)
            put("object", out, (work / out).read_bytes())
    # Debug information in all its forms; the exact one of frames is that of an executable.
    compress = lambda kind: ["-Wa,--compress-debug-sections=" + kind]
    forms = {"4": ["-gdwarf-4"], "5": ["-gdwarf-5"], "wide": ["-gdwarf64"], "zlib": compress("zlib"), "zstd": compress("zstd"),
             "types": ["-fdebug-types-section"], "macros": ["-g3"]}
    for name in ["plain.c", "tls.c"]:
        for kind, words in forms.items():
            out = f"{name}-debug-{kind}.o"
            if subprocess.run(["gcc", "-w", "-c", "-g", "-O2", *words, name, "-o", out], cwd=work).returncode == 0:
                put("debug", out, b"\x01" + (work / out).read_bytes())
    for name in ["plain.c-O2.o", "plain.c-desc.o"]:
        run(work, "objcopy", "-O", "binary", "--only-section=.eh_frame", "--set-section-flags", ".eh_frame=alloc", name, "frames")
        put("debug", f"frames-{name}", b"\x00" + struct.pack("<Q", 0x400000) + (work / "frames").read_bytes())
    run(work, "gcc", "-shared", "-w", "-fPIC", "-Wl,--version-script=map", "plain.c", "-o", "lib.so")
    put("object", "lib.so", (work / "lib.so").read_bytes())
    run(work, "gcc", "-shared", "-nostdlib", "-w", "-fPIC", "tls.c", "-o", "small.so")
    put("object", "small.so", (work / "small.so").read_bytes())


def archives(work):
    (work / "a.s").write_text(".globl a\na: ret\n")
    (work / "a_member_with_a_long_name.s").write_text(".globl b\nb: call a\n")
    for name in ["a", "a_member_with_a_long_name"]:
        run(work, "as", f"{name}.s", "-o", f"{name}.o")
    members = ["a.o", "a_member_with_a_long_name.o"]
    for name, flags in [("plain", "rc"), ("thin", "rcT"), ("plain-no-table", "rcS"), ("thin-no-table", "rcTS")]:
        run(work, "ar", flags, f"{name}.a", *members)
        put("archive", name, (work / f"{name}.a").read_bytes())
    # Of another system: names in front of the contents.
    name = b"a long name of a member\0"
    header = b"#1/%-13d%-12d%-6d%-6d%-8o%-10d`\n" % (len(name), 0, 0, 0, 0o644, len(name) + 4)
    put("archive", "bsd", b"!<arch>\n" + header + name + b"\x7fELF")


def generation(work):
    return max((work / ".unfold/outputs").glob("*/[0-9]*"), key=lambda folder: int(folder.name))


def index(work):
    for name, text in PROGRAM.items():
        (work / name).write_text(text)
        run(work, "gcc", "-w", "-c", "-O1", name, "-o", name + ".o")
    names = [name + ".o" for name in PROGRAM]
    run(work, LD, *names, "-o", "app")
    run(work, "./app", env={"UNFOLD_KEEP": "off"})
    plans(work, "full")
    (work / "g.c").write_text(PROGRAM["g.c"].replace("9", "value * 3"))
    run(work, "gcc", "-w", "-c", "-O1", "g.c", "-o", "g.c.o")
    run(work, LD, *names, "-o", "app")
    plans(work, "patched")
    (work / "empty.s").write_text("")
    run(work, "gcc", "-c", "empty.s", "-o", "empty.o")
    run(work, "gcc", "-w", "-c", "-O1", "-fPIC", "tls.c", "-o", "tls.o")


# The tables at the end of the header of a plan: bytes of a row, and how many rows are kept. Most of a plan of a small
# program is room for more.
TABLES = [(32, 99), (24, 3), (40, 99), (8, 99), (4, 99), (32, 40), (40, 99), (1, 9999)]
HEADER = 328


def small_plan(plan):
    spans = HEADER - 16 * len(TABLES)
    header, body = bytearray(plan[:HEADER]), b""
    for number, (size, most) in enumerate(TABLES):
        offset, count = struct.unpack_from("<QQ", plan, spans + 16 * number)
        rows = [plan[offset + at * size : offset + (at + 1) * size] for at in range(count)]
        if number == len(TABLES) - 2:  # Blocks that are somebody's.
            rows = [row for row in rows if row[20:24] != b"\xff" * 4]
        body += bytes(-(HEADER + len(body)) % 16)
        struct.pack_into("<QQ", header, spans + 16 * number, HEADER + len(body), len(rows[:most]))
        body += b"".join(rows[:most])
    return bytes(header) + body


def plans(work, name):
    folder = generation(work)
    packs = sorted((work / ".unfold/packs").glob("*.pack"), key=lambda pack: pack.stat().st_mtime)
    pack = packs[0].read_bytes()
    patch = folder / "patch"
    windows = struct.pack("<IHIHB", 0x1000, 4096, 0x10ff8, 16, 0)
    elements = [small_plan((folder / "plan").read_bytes()), patch.read_bytes() if patch.exists() else b"", pack, windows]
    put("plan", name, b"".join(struct.pack("<I", len(part)) + part for part in elements))
    for first, file in LISTS:
        if (folder / file).exists():
            put("index", f"{name}-{file}", bytes([first]) + (folder / file).read_bytes()[:20000])
    state, changes = (folder / "state").read_bytes(), (folder / "changes").read_bytes()
    changes += bytes(-len(changes) % 16)
    # Its first word, which the target makes right, says where the second file begins.
    put("index", f"{name}-state", b"\x06" + struct.pack("<Q", len(changes)) + changes[8:] + state)
    head = (folder / "head").read_bytes()
    put("index", f"{name}-head", b"\x08" + head[4096:8192])
    # Each record of the pack, as far as it is long.
    at = 0
    while at + 16 <= len(pack):
        if pack[at : at + 5] == b"UFobj":
            length = struct.unpack_from("<Q", pack, at + 8)[0]
            put("index", f"{name}-record-{at}", b"\x00" + pack[at : at + length])
            at += length
        else:
            at += 16


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "map").write_text("V1 { global: f; }; V2 { global: a; b; local: *; } V1;")
        objects(work)
        archives(work)
        index(work)
    for number, (first, text) in enumerate(SCRIPTS):
        put("script", str(number), bytes([first]) + text.encode())


main()
