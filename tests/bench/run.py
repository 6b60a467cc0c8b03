#!/usr/bin/env python3
"""The benchmark of links: unfold beside the other linkers of this machine, in one run.

    tests/bench/run.py [--programs objects,llvm,rust] [--sizes 100,1000,10000] [--runs N] [--linkers A,B]
                       [--cpus N] [--out DIR] [--ld PATH] [--peer NAME=PATH]

Programs are prepared first (prepare.py). Each linker is called by itself, with the words that the compiler driver
gives to `ld`, and its usual defaults. A round is

    first link            nothing of an earlier link is there, neither output nor index
    nothing changed
    one-same, one-grown, hundred-same, ...      inputs compiled from edited sources are put in place (prepared.py)
    revert one-same, ...                        and those from before again, after each

in which unfold makes every step; the other linkers make the first link, and after each first edit of a kind (one-same,
own-same, rlib-same) a link over their previous output, which is what every step costs them. After links of an edit
the program is started at once, up to its first output. Linkers take turns within each step. Inputs are in the page
cache, and what was written is forced to disk before the clock starts. Every program that unfold links is compared
with what the program linked by GNU ld prints in the same state; other linkers' programs in the first round.

Samples go to DIR/DATE.jsonl (default tests/bench/results) as they come; report.py makes tables of them.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left in the source folder
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "real")]
import contest
import measure
import prepare
from measure import Failed
from prepared import ORIGINAL, Program

FIRST, NOTHING = "first link", "nothing changed"


class Linker(contest.Linker):
    """One linker linking one program, which is run as the program says."""

    def run_arguments(self, which):
        return [str(self.app), *(word.replace("{inputs}", str(self.program.inputs)) for word in self.program.about[which])]

    def link_and_launch(self):
        """A link, and at once a launch: from the edit to the first output."""
        start = time.perf_counter()
        sample = self.link(settle=False)
        sample["launch"] = measure.first_output(self.run_arguments("run"), cwd=self.program.inputs)
        sample["first_output"] = sample["wall"] + sample["launch"]
        measure.settle_into(sample, start)
        del sample["settled"]  # the launch would be in it
        return sample

    def prints(self):
        """What the program prints, and its status."""
        stdin = self.program.about["stdin"]
        outputs = []
        for which in ("run", "check"):
            with open(self.program.inputs / stdin if stdin else os.devnull, "rb") as source:
                done = subprocess.run(self.run_arguments(which), stdin=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      cwd=self.program.inputs, timeout=600)
            outputs.append(done.stdout + f"\nstatus {done.returncode}\n".encode())
        return b"".join(outputs)


class Run(contest.Samples):
    def __init__(self, options, linkers):
        super().__init__(options.out)
        self.options, self.linkers = options, linkers

    def expected(self, program):
        """What the program prints in each state, by its twin that GNU ld links: kept beside the program."""
        known = {}
        twin = None
        for state in program.states:
            path = program.folder / "expected" / state
            if not path.exists() or path.stat().st_mtime < (program.folder / "program.json").stat().st_mtime:
                bfd = shutil.which("ld.bfd") or shutil.which("ld")
                if not bfd:
                    raise Failed("GNU ld is needed, to compare with")
                twin = twin or Linker("twin", bfd, program)
                program.apply(state)
                twin.link()
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(twin.prints())
            known[state] = path.read_bytes()
        if twin:
            shutil.rmtree(twin.folder)
        program.apply(ORIGINAL)
        if len(set(known.values())) != len(known):
            raise Failed(f"some states of {program.name} print the same")
        return known

    def limits(self, program, tool):
        files = program.files()
        sizes = [os.path.getsize(path) for path in files]
        listing = "\n".join(files) + "\n"
        self.note(kind="program", program=program.name, inputs=len(files), bytes=sum(sizes),
                  states={state: self.changed_bytes(program, state) for state in program.states})
        cpus = len(os.sched_getaffinity(0))
        for number in range(self.options.runs + 1):
            if number > 0:  # the first time is to have everything in the page cache
                self.note(kind="limit", program=program.name, what="start", threads=1, wall=measure.run([shutil.which("true")])["wall"])
            for what in ("stat", "read"):
                for threads in sorted({1, cpus}):
                    done = subprocess.run([str(tool), what, str(threads)], input=listing, text=True, capture_output=True, check=True)
                    if number > 0:
                        self.note(kind="limit", program=program.name, what=what, threads=threads, wall=float(done.stdout))

    @staticmethod
    def changed_bytes(program, state):
        """The sizes of the files whose contents are new in a state: not of those that only have other names."""
        def contents(of):
            homes = program.states[of]["files"]
            paths = (program.folder / "states" / homes[name] / name for name in homes)
            return {hashlib.sha256(path.read_bytes()).digest(): path.stat().st_size for path in paths}

        original = contents(ORIGINAL)
        return sum(size for digest, size in contents(state).items() if digest not in original)

    def measure(self, program):
        expected = self.expected(program)
        linkers = []
        for name, path in self.linkers.items():
            linker = Linker(name, path, program)
            try:  # whoever cannot link it at all takes no part
                linker.link()
                linkers.append(linker)
            except Failed as failure:
                self.complain(f"{program.name} is not linked by {failure}")
        first_edits = {state for state in program.states if state.endswith("-same") and not state.startswith("hundred")}
        for number in range(self.options.runs):
            print(f"{program.name}: round {number + 1} of {self.options.runs}", file=sys.stderr)
            steps = [(FIRST, ORIGINAL), (NOTHING, ORIGINAL)]
            for state in program.states:
                if state != ORIGINAL:
                    steps += [(state, state), (f"revert {state}", ORIGINAL)]
            for step, state in steps:
                program.apply(state)
                turn = number % len(linkers) if linkers else 0
                for linker in linkers[turn:] + linkers[:turn]:
                    if linker.name == "unfold" or step in (FIRST, *first_edits):
                        self.step(linker, step, state, number, expected[state], launch=step == state)
        for linker in linkers:
            shutil.rmtree(linker.folder)

    def step(self, linker, step, state, number, expected, launch):
        if step == FIRST:
            linker.forget()
        program = linker.program.name
        try:
            sample = linker.link_and_launch() if launch else linker.link()
        except Failed as failure:
            return self.complain(f"{program}, {step}, round {number + 1}, {failure}")
        self.note(kind="link", program=program, linker=linker.name, step=step, round=number, **sample)
        if linker.name == "unfold" or number == 0:
            if linker.prints() != expected:
                self.complain(f"{program}, {step}, round {number + 1}: the program linked by {linker.name} prints something else")
            measure.reap()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    prepare.arguments(parser)
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="rounds (default 5)")
    contest.arguments(parser)
    options = parser.parse_args()
    linkers = contest.linkers(parser, options)

    programs = prepare.from_options(options)
    tool = contest.compile_tool("limits")
    run = Run(options, linkers)
    run.start(options, linkers)
    for name in programs:
        program = Program(prepare.FOLDER / name)
        program.apply(ORIGINAL)
        run.limits(program, tool)
        run.measure(program)
    print(run.path)
    return 1 if run.wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, OSError, subprocess.CalledProcessError) as failure:
        sys.exit(f"error: {failure}")
