"""Generates and compiles the programs of 100, 1,000 and 10,000 objects (see generate.py), with their variants."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import measure
import prepared
from objects import generate
from prepared import Failed

HERE = Path(__file__).resolve().parent
# Types that a header declares and a unit does not use are described too: real programs have many more of them in use.
FLAGS = ["-O0", "-g", "-fno-eliminate-unused-debug-types", "-pipe", "-fPIE", "-w"]
COMPILERS = {".c": "clang", ".cc": "g++"}  # clang takes half of gcc's time
EDITED = 100


def compile_all(jobs, work):
    """Compiles (source text, source path, object path, edit) unless the object is there."""

    def compile_one(item):
        text, source, target, edit = item
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if not source.exists():  # variants of a source are compiled at the same time
            source.write_text(text())
        # The same name for every variant, as for an edited file.
        command = [COMPILERS[source.suffix], *FLAGS, f"-DEDIT={edit}", f"-I{HERE}", "-c", source.name, "-o", f"{target}.tmp"]
        done = subprocess.run(command, cwd=source.parent, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"{source} does not compile:\n{done.stderr[:2000]}")
        os.rename(f"{target}.tmp", target)

    with ThreadPoolExecutor(jobs) as pool:
        for number, _ in enumerate(pool.map(compile_one, work)):
            if sys.stderr.isatty() and number % 100 == 0:
                print(f"\r{number} of {len(work)} objects ", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)


def edited(count):
    """The units that edits change: spread over the program, the one of the smallest edits first."""
    step = count // EDITED
    return [(i * step + step // 2) for i in range(EDITED)]


def source_of(number):
    return lambda: generate.Unit(number).source()


def prepare(folder, counts, jobs):
    """Makes FOLDER/objects-COUNT for each count."""
    pool, sources = folder / "objects", folder / "objects/source"
    sources.mkdir(parents=True, exist_ok=True)

    def object_of(number, edit=0):
        return pool / (f"edit-{edit}" if edit else f"{number // 1000:02}") / f"unit_{number}.o"

    work = [(source_of(i), sources / f"unit_{i}.{generate.suffix(i)}", object_of(i), 0) for i in range(max(counts))]
    for count in counts:
        work.append((lambda count=count: generate.main_source(count, edited(count)), sources / f"main_{count}.c", pool / f"main_{count}.o", 0))
    compile_all(jobs, work)
    variants = sorted({(i, edit) for count in counts for i in edited(count) for edit in (1, 2)} |
                      {(edited(count)[0], 3) for count in counts})
    compile_all(jobs, [(source_of(i), sources / f"unit_{i}.{generate.suffix(i)}", object_of(i, edit), edit) for i, edit in variants])

    for count in counts:
        home = folder / f"objects-{count}"
        (home / "program.json").unlink(missing_ok=True)
        names = {i: f"{i // 100:02}/unit_{i}.o" for i in range(count)}
        for i, name in names.items():
            prepared.link_or_copy(object_of(i), home / "inputs" / name)
        prepared.link_or_copy(pool / f"main_{count}.o", home / "inputs/main.o")
        hundred = edited(count)
        one = hundred[:1]
        states = {}
        for state, numbers, edit in [("original", [], 0), ("one-same", one, 1), ("one-grown", one, 2), ("one-import", one, 3),
                                     ("hundred-same", hundred, 1), ("hundred-grown", hundred, 2)]:
            states[state] = {names[i]: prepared.ORIGINAL for i in hundred} | {names[i]: state for i in numbers}
            for i in hundred if state == prepared.ORIGINAL else numbers:
                prepared.link_or_copy(object_of(i, edit), home / "states" / state / names[i])
            driver = ["g++", "-pie", "main.o", *names.values(), "-o", prepared.OUTPUT]
            prepared.write_command(home, state, measure.linker_words(driver, home / "inputs"))
        prepared.describe(home, f"objects-{count}", states, run=[], check=["all"])
