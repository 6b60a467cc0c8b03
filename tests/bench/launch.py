#!/usr/bin/env python3
"""The benchmark of launches: programs that unfold linked beside the same programs linked by lld and by mold, in one run.

    tests/bench/launch.py [--programs trivial,sqlite,lua,llvm,rust,objects-10000] [--runs N] [--quick] [--linkers A,B]
                          [--cpus N] [--out DIR] [--ld PATH] [--peer NAME=PATH]

Programs are described in launchable.py; what is missing is prepared first. A launch is measured from exec to exit, by
a small program (launch.c). In each round and for each input all linkers' programs are launched in turns, unfold's

    alone              first after a full link; nothing works in the background: neither the linker (UNFOLD_BACKGROUND=off)
                       nor the program (UNFOLD_PREFETCH=off)
    first              first after a full link, at once, as people launch it: all that works in the background does
    second             right after it
    settled            once nothing of the linker runs any more
    edited             first after one edit and a relink, at once
    ordered            first after a full link over the index that has the log of these runs, at once
    settled, cold      with nothing of the program and its index in the page cache
    alone, cold

and the others' beside each, warm or cold as it is. Then, for each input: proportional memory at the end of the process, of
one process and of 16 at once; for one input of each program: 200 launches in a row, and with 16 at a time; scripts
that need nothing but the processor, settled; and, with ld.so told to list the libraries and end (LD_TRACE_LOADED_OBJECTS),
the time from exec to ld.so, which is where the stub's own time shows, or for the static program all of its time.

Whatever unfold's program prints, and its status, must be what the twin's are. Cold: the files are forced to disk and
dropped from the page cache; the libraries are not. Samples go to DIR/DATE-launch.jsonl (default tests/bench/results) as they come;
report.py makes tables of them, with what must hold.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left in the source folder
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "real")]
import contest
import launchable
import measure
from launchable import EDITED
from measure import Failed
from prepared import ORIGINAL

ALONE = {"UNFOLD_BACKGROUND": "off", "UNFOLD_PREFETCH": "off"}
COPIES = 16
SECONDS = 600  # a launch that takes longer hangs; sixteen large ones at once take a minute or more


def drop_from_cache(folder):
    """Drops all files below a folder from the page cache."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cached_kilobytes(folder):
    """What of the files below a folder is in the page cache: nothing, if it was dropped."""
    text = measure.output_of(["fincore", "--noheadings", "--bytes", "--output", "RES", *(str(p) for p in folder.rglob("*") if p.is_file())])
    return sum(map(int, text.split())) // 1024 if text is not None else None


def relative_relocations(app):
    """How many words of a PIE ld.so relocates at each start."""
    text = measure.output_of(["readelf", "-dW", str(app)], default="")
    found = re.search(r"\(RELACOUNT\)\s+(\d+)", text)
    return int(found[1]) if found else 0


def walls(samples):
    return [round(sample["wall"], 3) for sample in samples]


class Case:
    """One program in one mode, with those who link it."""

    def __init__(self, run, program):
        self.run, self.program, self.options = run, program, run.options
        self.linkers = [contest.Linker(name, path, program) for name, path in run.linkers.items()]
        self.unfold = self.linkers[0]
        self.twins = self.linkers[1:]
        self.status = {}  # (state, input) -> exit status

    def label(self, *more):
        return ", ".join([self.program.name, self.program.mode, *more])

    def note(self, kind, **entry):
        self.run.note(kind=kind, program=self.program.name, mode=self.program.mode, **entry)

    def expected(self, state, input):
        path = self.program.folder / "expected" / f"{state}-{input.name.replace(' ', '-')}"
        path.parent.mkdir(exist_ok=True)
        return path

    def execute(self, linker, input, more, environment):
        """Runs launch.c on a linker's program: the samples, and the milliseconds of all together."""
        words = [word.replace("{folder}", str(self.program.inputs)) for word in (input.stdin, *input.arguments)]
        settings = [f"-E{name}={value}" for name, value in (environment or {}).items()]  # for the program alone
        argv = [str(self.run.tool), "-s", str(SECONDS), "-i", words[0], *settings, *map(str, more), str(linker.app), *words[1:]]
        done = subprocess.run(argv, cwd=self.program.inputs, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"{self.label(input.name, linker.name)}: {done.stderr.strip() or f'launch ended with {done.returncode}'}")
        *samples, last = map(json.loads, done.stdout.splitlines())
        return samples, last["total"]

    def launch(self, linker, input, state=ORIGINAL, step="", times=1, at_a_time=1, memory=False, environment=None):
        """Launches whose output and status must be the twin's."""
        printed = self.program.folder / "printed"
        more = ["-n", times, "-j", at_a_time, "-e", self.expected(state, input), "-o", printed, *(["-m"] if memory else [])]
        samples, total = self.execute(linker, input, more, environment)
        for sample in samples:
            if not sample.pop("same") or sample["status"] != self.status[state, input.name]:
                self.run.complain(f"{self.label(input.name, step)}: what {linker.name} linked has status {sample['status']} and prints what is "
                                  f"in {printed}, not {self.expected(state, input)} with status {self.status[state, input.name]}")
                break
        return samples, total

    def set_up(self):
        """Links the twins, and has the first of them say what the program prints in each state."""
        for state in reversed(self.program.states):
            self.program.apply(state)
            self.twins[0].link()
            for input in self.program.runs():
                samples, _ = self.execute(self.twins[0], input, ["-o", self.expected(state, input)], None)
                self.status[state, input.name] = samples[0]["status"]
                if samples[0]["status"] < 0:
                    raise Failed(f"{self.label(input.name)}: the twin ends by signal {-samples[0]['status']}")
        if EDITED in self.program.states and not any(
                self.expected(EDITED, input).read_bytes() != self.expected(ORIGINAL, input).read_bytes() for input in self.program.runs()):
            raise Failed(f"{self.label()}: nothing that it prints shows the edit")
        for twin in self.twins[1:]:
            twin.link()
        app = self.twins[0].app
        self.note("program", bytes=app.stat().st_size, relative_relocations=relative_relocations(app) if self.program.mode == "pie" else 0)

    def tear_down(self):
        measure.reap()
        self.program.apply(ORIGINAL)
        for linker in self.linkers:
            linker.forget()

    def of_last_run(self, full=False):
        """What `unfold status` says of the last launch of unfold's program."""
        text = measure.output_of([str(self.run.status_tool), "status", str(self.unfold.app), "--json"])
        if text is None:
            raise Failed(f"{self.label()}: no `unfold status` of {self.unfold.app}")
        about = json.loads(text)
        if full and about["incremental"]:
            raise Failed(f"{self.label()}: the link over the index was to be a full one, and was not")
        return {**(about["last_run"] or {}), "pages_kept": about["pages_kept"], "pages_total": about["pages_total"]}

    # --- single launches ---------------------------------------------------------------------------------

    def link(self, settle=False, again=False, **how):
        if not again:
            self.unfold.forget()
        return self.unfold.link(settle=settle, **how)

    def twins_launch(self, input, step, number, cold=False):
        turn = number % len(self.twins)
        for twin in self.twins[turn:] + self.twins[:turn]:
            self.launch_one(twin, input, step, number, cold)

    def launch_one(self, linker, input, step, number, cold=False, link=None, full=False, state=ORIGINAL, environment=None):
        more = {}
        if cold:
            drop_from_cache(linker.folder)
            more["cached_kb"] = cached_kilobytes(linker.folder)
        [sample], _ = self.launch(linker, input, state, step, environment=environment)
        if linker is self.unfold:
            more["unfold"] = self.of_last_run(full)
        if link:
            more["link"] = link["wall"]
        self.note("launch", input=input.name, linker=linker.name, step=step, round=number, **sample, **more)

    def round_of_launches(self, input, number):
        unfold = self.unfold
        def alone(step, cold=False):
            self.twins_launch(input, step, number, cold)
            link = self.link(settle=True, environment=ALONE)
            self.launch_one(unfold, input, step, number, cold, link, environment=ALONE)

        alone("alone")
        self.twins_launch(input, "first", number)
        link = self.link()
        self.launch_one(unfold, input, "first", number, link=link)
        self.launch_one(unfold, input, "second", number)
        measure.reap()
        self.twins_launch(input, "second", number)
        self.launch_one(unfold, input, "settled", number)
        self.twins_launch(input, "settled", number)

        if EDITED in self.program.states:
            self.twins_launch(input, "edited", number)
            self.program.apply(EDITED)
            link = self.link(again=True)
            self.launch_one(unfold, input, "edited", number, link=link, state=EDITED)
            measure.reap()
            self.program.apply(ORIGINAL)

        # A map makes no other program, and asks for a full link.
        self.twins_launch(input, "ordered", number)
        link = self.link(again=True, options=[f"-Map={unfold.folder}/map"])
        self.launch_one(unfold, input, "ordered", number, link=link, full=True)
        measure.reap()

        # Last, because not everything comes back into the cache.
        self.launch(unfold, input, step="settling")
        measure.reap()
        self.twins_launch(input, "settled, cold", number, cold=True)
        self.launch_one(unfold, input, "settled, cold", number, cold=True)
        alone("alone, cold", cold=True)

    # --- what a settled program does ---------------------------------------------------------------------

    def settle(self, input):
        """Links, and launches until nothing new is kept: as after some minutes of work with it."""
        self.link()
        for _ in range(3):
            self.launch(self.unfold, input, step="settling")
            measure.reap()

    def in_turns(self, number):
        turn = number % len(self.linkers)
        return self.linkers[turn:] + self.linkers[:turn]

    def round_of_memory(self, input, number):
        # A program that is traced settles first, unless somebody asks for a pager.
        lazy = {"UNFOLD_PAGER": self.run.pager}

        def one(linker, step, copies, environment=None):
            for sample in self.launch(linker, input, step=f"memory, {step}", times=copies, at_a_time=copies, memory=True, environment=environment)[0]:
                kilobytes = {key: value for key, value in sample.items() if key.endswith("_kb")}
                self.note("memory", input=input.name, linker=linker.name, step=step, copies=copies, round=number, **kilobytes)

        self.link()
        one(self.unfold, "first", 1, lazy)
        one(self.unfold, "second", 1, lazy)
        measure.reap()
        for linker in self.in_turns(number):
            for copies in (1, COPIES):
                one(linker, "settled", copies)

    def round_of_many(self, input, number):
        for linker in self.in_turns(number):
            for at_a_time in (1, COPIES):
                samples, total = self.launch(linker, input, step="many", times=self.options.many, at_a_time=at_a_time)
                processor = sum(s["user"] + s["system"] for s in samples)
                self.note("many", input=input.name, linker=linker.name, times=self.options.many, at_a_time=at_a_time, round=number,
                          total=total, cpu=processor, walls=walls(samples))

    def round_of_loops(self, input, number):
        for linker in self.in_turns(number):
            [sample], _ = self.launch(linker, input, step="loops")
            self.note("steady", input=input.name, linker=linker.name, round=number, **sample)

    def round_of_starts(self, input, number):
        """From exec to ld.so, which ends then; or to the end, where there is no ld.so."""
        static = self.program.mode == "static"
        for linker in self.in_turns(number):
            for _ in range(2):  # the first ones have caches to fill after another's
                samples, _ = self.execute(linker, input, ["-n", self.options.starts], None if static else {"LD_TRACE_LOADED_OBJECTS": "1"})
            if any(sample["status"] != 0 for sample in samples):
                raise Failed(f"{self.label(linker.name)}: not status 0{'' if static else ' with LD_TRACE_LOADED_OBJECTS'}")
            self.note("start", linker=linker.name, round=number, what="exit" if static else "ld.so", walls=walls(samples))
            if linker is self.unfold:
                self.note("handover", round=number, us=self.of_last_run()["handover_us"])

    def measure(self):
        self.set_up()
        options = self.options
        # Those that end at once are linked fast too: more rounds, for their times differ by little.
        more = 3 if self.program.name in ("trivial", "sqlite", "lua") and not options.quick else 1
        for input in self.program.runs():
            parts = [(self.round_of_loops, options.loops)] if input.loops else \
                [(self.round_of_launches, options.runs * more), (self.round_of_memory, min(options.runs, 3))]
            if input.many:
                parts += [(self.round_of_many, min(options.runs, 3)), (self.round_of_starts, min(options.runs, 5))]
            for part, rounds in parts:
                self.measure_part(part, input, rounds)
        self.tear_down()

    def measure_part(self, part, input, rounds):
        """Some rounds of one kind. What fails is said, and the next part goes on."""
        name = part.__name__.replace("_", " ")
        try:
            if part not in (self.round_of_launches, self.round_of_memory):  # these link themselves
                self.settle(input)
            for number in range(rounds):
                print(f"{self.label(input.name)}: {name}, {number + 1} of {rounds}", file=sys.stderr)
                part(input, number)
        except Failed as failure:
            measure.reap()
            self.program.apply(ORIGINAL)
            self.run.complain(f"{self.label(input.name)}: no more {name}: {failure}")


class Run(contest.Samples):
    def __init__(self, options, linkers):
        super().__init__(options.out, "-launch")
        self.options, self.linkers = options, linkers
        self.tool = contest.compile_tool("launch")
        self.status_tool = Path(linkers["unfold"]).parent / "unfold"
        if not self.status_tool.exists():
            raise Failed(f"no {self.status_tool}, which says what a program did: cargo build --release")
        doctor = subprocess.run([str(self.status_tool), "doctor", "--json"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.pager = json.loads(doctor.stdout)["pager"]["auto"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", metavar="A,B", help=f"of {', '.join(launchable.MODES)} (default: all; with --quick trivial,lua)")
    parser.add_argument("--runs", type=int, metavar="N", help="rounds (default 7; three times as many for the small programs)")
    parser.add_argument("--loops", type=int, metavar="N", help="rounds of the scripts that need the processor (default 40)")
    parser.add_argument("--quick", action="store_true", help="few rounds of small programs, to try it")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), metavar="N", help="compilers at a time, for what is prepared")
    contest.arguments(parser, default="unfold,lld,mold")
    options = parser.parse_args()
    options.programs = (options.programs or ("trivial,lua" if options.quick else ",".join(launchable.MODES))).split(",")
    options.runs = options.runs or (2 if options.quick else 7)
    options.loops = options.loops or (3 if options.quick else 40)
    options.many, options.starts = (20, 5) if options.quick else (200, 40)
    unknown = [name for name in options.programs if name not in launchable.MODES]
    if unknown:
        parser.error(f"unknown program: {', '.join(unknown)}")
    for name in [name for name in os.environ if name.startswith("UNFOLD_") and not name.endswith("_DIR")]:
        del os.environ[name]  # they would change what is measured
    linkers = contest.linkers(parser, options)
    if list(linkers)[0] != "unfold" or len(linkers) < 2:
        parser.error("unfold is needed, and first, and somebody to compare with")

    programs = [launchable.launchable(name, mode, options.jobs) for name in options.programs for mode in launchable.MODES[name]]
    run = Run(options, linkers)
    run.start(options, linkers)
    for program in programs:
        case = Case(run, program)
        try:
            case.measure()
        except Failed as failure:
            run.complain(f"{case.label()} was not measured to its end: {failure}")
            case.tear_down()
    print(run.path)
    return 1 if run.wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, OSError, subprocess.CalledProcessError) as failure:
        sys.exit(f"error: {failure}")
