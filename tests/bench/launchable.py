"""The programs whose launches are measured: what is linked, in which modes and states, and what they are run on.

    trivial         a C program that prints a line; static as well
    sqlite, lua     the shell and the interpreter of tests/real: a query, a line, and scripts that need the processor
    llvm            the LLVM tool of tests/real: no input (only start and usage), a page of C, the core of Lua
    rust            a debug build of rust-analyzer, as prepare.py makes it: its version; symbols and highlighting of a file
    objects-10000   the largest program of prepare.py: a hundred of its units, and all

Programs of tests/real are linked as PIE and at a fixed address, of objects compiled for it; those of prepare.py as PIE.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import measure
import prepare
import prepared
from prepared import ORIGINAL

REAL_SCRIPTS = Path(__file__).resolve().parent.parent / "real"
REAL = Path(os.environ.get("UNFOLD_REAL_DIR", prepare.TOP / "target/real")).resolve()
EDITED = "edited"

TRIVIAL = """#include <stdio.h>
int main(void) {
    printf("a line, edit %d\\n", EDIT);
    return 0;
}
"""
SQLITE_LOOPS = """CREATE TABLE word(id INTEGER PRIMARY KEY, name TEXT, size INTEGER);
WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 300000)
INSERT INTO word SELECT x, printf('%x-%d', x * 2654435761 % 4294967296, x), x * 7919 % 10007 FROM n;
SELECT count(*), sum(length(name)), max(name) FROM word WHERE size % 3 = 1 AND name LIKE '%a%';
SELECT size % 100 AS part, count(*), avg(id) FROM word GROUP BY part ORDER BY part LIMIT 5;
WITH RECURSIVE n(x, y) AS (SELECT 1, 1 UNION ALL SELECT x + 1, (y * 1103515245 + 12345) % 2147483648 FROM n WHERE x < 1000000)
SELECT sum(y % 17), max(y) FROM n;
"""
LUA_LOOPS = """local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
local function sieve(n)
  local composite, count = {}, 0
  for i = 2, n do
    if not composite[i] then
      count = count + 1
      for j = i * i, n, i do composite[j] = true end
    end
  end
  return count
end
local function letters(n)
  local parts = {}
  for i = 1, n do parts[#parts + 1] = string.format("%d:%s", i, string.rep("x", i % 7)) end
  local text, count = table.concat(parts, ","), 0
  for word in text:gmatch("%d+:x+") do count = count + #word end
  return count
end
local function spin(n)
  local x = 0.5
  for i = 1, n do x = 3.7 * x * (1 - x) + (i % 3) * 1e-9 end
  return string.format("%.6f", x)
end
print(fib(30), sieve(1000000), letters(200000), spin(12000000))
"""


@dataclass
class Input:
    """What a program is run on. `{folder}` in an argument is the folder of the program's inputs."""

    name: str
    arguments: list = field(default_factory=list)
    stdin: str = os.devnull
    many: bool = False  # run hundreds of times, as by a test suite
    loops: bool = False  # for the steady state: nothing but the processor


class Launchable:
    """A program in one mode. Its linkers' outputs go below `folder`, links are done in `inputs`."""

    states = [ORIGINAL, EDITED]

    def __init__(self, name, mode):
        self.name, self.mode = name, mode
        self.folder = prepare.FOLDER / "launches" / f"{name}-{mode}"
        self.inputs = self.folder / "inputs"
        self.folder.mkdir(parents=True, exist_ok=True)

    def runs(self):
        """The inputs on which it is run."""
        raise NotImplementedError

    def apply(self, state):
        """Puts the objects into a state, as a compiler leaves them."""

    def command(self, linker, output):
        raise NotImplementedError


class Made(Launchable):
    """One whose link command comes from a compiler driver here."""

    def __init__(self, name, mode, driver, environment=None):
        super().__init__(name, mode)
        self.inputs.mkdir(exist_ok=True)
        self.driver, self.environment = driver, environment

    @cached_property
    def words(self):
        return measure.linker_words(self.driver, self.inputs, self.environment)

    def command(self, linker, output):
        return [str(linker), *(str(output) if word == prepared.OUTPUT else word for word in self.words)]

    def put(self, source, name):
        """A new file, as after a compilation."""
        (self.inputs / name).unlink(missing_ok=True)
        shutil.copyfile(source, self.inputs / name)


class Trivial(Made):
    flags = {"pie": ["-pie", "-fPIE"], "nopie": ["-no-pie", "-fno-pie"], "static": ["-static", "-fno-pie"]}

    def __init__(self, mode):
        super().__init__("trivial", mode, ["gcc", *self.flags[mode], "main.o", "-o", prepared.OUTPUT])
        (self.inputs / "main.c").write_text(TRIVIAL)
        for number, state in enumerate(self.states):
            subprocess.run(["gcc", "-O2", *self.flags[mode], f"-DEDIT={number}", "-c", "main.c", "-o", f"{state}.o"], cwd=self.inputs, check=True)
        self.apply(ORIGINAL)

    def apply(self, state):
        self.put(self.inputs / f"{state}.o", "main.o")

    def runs(self):
        return [Input("a line", many=True)]


class Real(Made):
    """One of tests/real."""

    def __init__(self, name, mode):
        if not (REAL / name / "link.sh").exists():
            subprocess.run([str(REAL_SCRIPTS / "prepare.sh"), name], check=True, stdout=sys.stderr)
        environment = {"MODE": mode, "OUT": prepared.OUTPUT, "REPORT": "report.o", "LD_DIR": ""}
        super().__init__(name, mode, [str(REAL / name / "link.sh")], environment)
        self.states = Launchable.states if name == "llvm" else [ORIGINAL]
        (self.inputs / "loops.sql").write_text(SQLITE_LOOPS)
        (self.inputs / "loops.lua").write_text(LUA_LOOPS)
        self.apply(ORIGINAL)

    def apply(self, state):
        if self.name == "llvm":
            self.put(REAL / "llvm" / self.mode / f"report-{self.states.index(state)}.o", "report.o")

    def runs(self):
        return {
            "sqlite": [Input("query", [":memory:", "select sqlite_version();"], many=True),
                       Input("loops", [":memory:"], stdin="{folder}/loops.sql", loops=True)],
            "lua": [Input("a line", ["-e", "print(('x'):rep(3))"], many=True),
                    Input("loops", ["{folder}/loops.lua"], loops=True)],
            "llvm": [Input("no input"),  # what it compiles goes to standard output
                     Input("small", [str(REAL / "llvm/small.ll"), "x86_64-linux-gnu", "-"], many=True),
                     Input("large", [str(REAL / "llvm/large.ll"), "x86_64-linux-gnu", "-"])],
        }[self.name]


class Prepared(Launchable):
    """One of prepare.py."""

    edits = {"rust": "own-same", "objects-10000": "one-same"}

    def __init__(self, name, mode):
        super().__init__(name, mode)
        self.program = prepared.Program(prepare.FOLDER / name)
        self.inputs = self.program.inputs
        self.apply(ORIGINAL)

    def apply(self, state):
        self.program.apply(ORIGINAL if state == ORIGINAL else self.edits[self.name])

    def command(self, linker, output):
        return self.program.command(linker, output)

    def runs(self):
        if self.name == "rust":
            sample = "{folder}/sample.rs"
            return [Input("version", ["--version"], many=True), Input("symbols", ["symbols"], sample), Input("highlight", ["highlight"], sample)]
        return [Input("some", many=True), Input("all", ["all"])]


MODES = {"trivial": ["pie", "nopie", "static"], "sqlite": ["pie", "nopie"], "lua": ["pie", "nopie"], "llvm": ["pie", "nopie"],
         "rust": ["pie"], "objects-10000": ["pie"]}


def launchable(name, mode, jobs):
    """Prepares what is not there yet."""
    if name == "trivial":
        return Trivial(mode)
    if name in ("rust", "objects-10000"):
        prepare.prepare([name.split("-")[0]], [10000], jobs)
        return Prepared(name, mode)
    return Real(name, mode)
