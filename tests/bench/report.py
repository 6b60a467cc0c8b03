#!/usr/bin/env python3
"""Makes a table (Markdown) and a plot (SVG) of the samples that run.py or launch.py took.

    tests/bench/report.py [RESULTS.jsonl]      default: the newest of tests/bench/results

They go beside the samples, under the same name; the table is printed too. Figures are medians, with minimum and
maximum. The plot needs matplotlib, which is installed into a virtual environment if it is not there.
"""

import json
import statistics
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "real")]
import launch_report
from tables import about_machine, bars, complaints, number, spread, table, what_holds, with_matplotlib

FIRST, NOTHING = "first link", "nothing changed"
TITLES = {"llvm": "the LLVM tool", "rust": "rust-analyzer, a debug build"}
STEPS = {
    FIRST: "first link", NOTHING: "nothing changed",
    "one-same": "one object changed, same size", "one-grown": "one object changed, grown", "one-import": "one object changed, calls libc's snprintf for the first time",
    "hundred-same": "hundred objects changed, same size", "hundred-grown": "hundred objects changed, grown",
    "own-same": "one object of the program's crate, same size", "own-grown": "one function more in the program's crate",
    "own-generic": "generic code in the program's crate: twelve objects more",
    "rlib-same": "one rlib changed, same size", "rlib-grown": "one rlib changed, grown",
}


class Results:
    def __init__(self, path):
        entries = [json.loads(line) for line in open(path)]
        self.machine = next(e for e in entries if e["kind"] == "machine")
        self.programs = {e["program"]: e for e in entries if e["kind"] == "program"}
        self.links = [e for e in entries if e["kind"] == "link"]
        self.limits = [e for e in entries if e["kind"] == "limit"]
        self.wrong = [e["text"] for e in entries if e["kind"] == "wrong"]
        self.linkers = [name for name in self.machine["linkers"] if any(e["linker"] == name for e in self.links)]

    def values(self, program, linker, step, key="wall"):
        return [e[key] for e in self.links if (e["program"], e["linker"], e["step"]) == (program, linker, step) and key in e]

    def median(self, program, linker, step, key="wall"):
        values = self.values(program, linker, step, key)
        return statistics.median(values) if values else None

    def limit(self, program, what, most_threads=False):
        entries = [e for e in self.limits if e["program"] == program and e["what"] == what]
        if not entries:
            return None
        threads = (max if most_threads else min)(e["threads"] for e in entries)
        return statistics.median(e["wall"] for e in entries if e["threads"] == threads)

    def steps(self, program):
        return list(dict.fromkeys(e["step"] for e in self.links if e["program"] == program))

    def best_peer(self, program, step, key="wall"):
        """The least that any other linker needs, and which one it is. Links after the first edit of a kind stand for the others."""
        if step != FIRST:
            step = f"{step.split('-')[0]}-same"
        found = [(self.median(program, peer, step, key), peer) for peer in self.peers()]
        return min((pair for pair in found if pair[0] is not None), default=(None, None))

    def peers(self):
        return [name for name in self.linkers if name != "unfold"]


def title(program):
    return TITLES.get(program) or f"{int(program.split('-')[1]):,} objects"


def step_name(step):
    return f"{STEPS[step[7:]]}: back" if step.startswith("revert ") else STEPS.get(step, step)


def program_tables(results, program):
    about = results.programs[program]
    linkers = results.linkers
    steps = results.steps(program)
    yield f"## {title(program)}: {about['inputs']:,} inputs, {about['bytes'] / 1e6:,.0f} MB\n"
    limits = [f"{number(results.limit(program, what, most))} {text}" for what, most, text in [
        ("start", False, "a program that does nothing"), ("stat", False, "stat of all inputs by one thread"), ("stat", True, "by all"),
        ("read", False, "reading them by one thread"), ("read", True, "by all")] if results.limit(program, what, most) is not None]
    yield f"Limits, ms: {', '.join(limits)}.\n"
    yield "Wall time, ms, until the linker returns:\n"
    yield table(["", *linkers], [[step_name(s), *(spread(results.values(program, l, s)) for l in linkers)] for s in steps])
    launched = [s for s in steps if results.values(program, "unfold", s, "first_output") or any(results.values(program, l, s, "first_output") for l in linkers)]
    if launched:
        yield "From the start of the link to the first output of the program, ms:\n"
        yield table(["", *linkers], [[step_name(s), *(spread(results.values(program, l, s, "first_output")) for l in linkers)] for s in launched])
    for key, text, scale in [("cpu", "Processor time, ms, of all that the link started", 1),
                             ("max_rss_kb", "Peak memory, MB, of the largest process, with the pages of files that it maps", 1024 / 1e6),
                             ("written", "Written to files, MB", 1e-6)]:
        yield f"{text}:\n"
        yield table(["", *linkers], [[step_name(s), *(number(v * scale) if (v := results.median(program, l, s, key)) is not None else "" for l in linkers)]
                                     for s in steps if not s.startswith("revert ")])


def bounds(results):
    """(what, measured, bound, text of the bound) of all that must hold."""
    for program in results.programs:
        own = {step: results.median(program, "unfold", step) for step in results.steps(program)}
        if own.get(FIRST) is None:
            continue
        name = title(program)

        def against(step, key, part, what, scale=1.0):
            best, peer = results.best_peer(program, step, key)
            value = results.median(program, "unfold", step, key)
            if best is not None and value is not None:
                yield f"{name}: {what}", value * scale, best * scale / part, f"1/{part} of {peer}" if part > 1 else f"that of {peer}"

        part = {"llvm": 30, "rust": 50, "objects-10000": 30}.get(program)
        edits = [s for s in own if s in STEPS and s not in (FIRST, NOTHING) and not s.startswith("hundred")]
        for step in edits if part else []:
            yield from against(step, "wall", part, f"{STEPS[step]}, ms")
        if program == "objects-10000":
            for step in edits:
                small = results.median("objects-1000", "unfold", step)
                if small is not None:
                    yield f"{name}: {STEPS[step]}, ms", own[step], 3 * small, "3 times that of 1,000 objects"
        stat = results.limit(program, "stat")
        if NOTHING in own and stat is not None:
            yield f"{name}: nothing changed, ms", own[NOTHING], 1.5 * stat + 2, "1.5 stat of all inputs + 2"
        yield from against(FIRST, "wall", 2, "first link, ms")
        yield from against(FIRST, "max_rss_kb", 1, "first link, peak memory, MB", 1024 / 1e6)
        part = {"llvm": 10, "rust": 20}.get(program)
        for step in edits if part else []:
            yield from against(step, "first_output", part, f"{STEPS[step]}, to the first output, ms")
        for step in edits:
            if not step.startswith("rlib"):
                # What rustc renames is linked to again, not written: the object that differs is small.
                size = results.programs[program]["states"][step]
                yield f"{name}: {STEPS[step]}, written, kB", results.median(program, "unfold", step, "written") / 1e3, 1e3 + size / 1e3, "1 MB and what changed"


def text(results):
    about = results.machine
    yield f"# Links, {about['date'][:10]}\n"
    yield f"{about_machine(about)} Medians (minimum–maximum). Warm page cache.\n"
    yield table(["linker", ""], [[name, version] for name, version in about["linkers"].items()])
    yield "## What must hold\n"
    yield what_holds(bounds(results))
    yield complaints(results.wrong)
    for program in results.programs:
        yield from program_tables(results, program)


def plot(results, path):
    programs = [p for p in results.programs if results.values(p, "unfold", FIRST)]
    panels = {}
    for program in programs:
        steps = [s for s in results.steps(program) if not s.startswith("revert ")]
        panels[program] = [(f"unfold, {step_name(s)}", results.values(program, "unfold", s), "tab:orange") for s in steps]
        for peer in results.peers():
            changed = next((s for s in steps if s != FIRST and results.values(program, peer, s)), None)
            panels[program] += [(f"{peer}, first link", results.values(program, peer, FIRST), "tab:gray")]
            panels[program] += [(f"{peer}, any change", results.values(program, peer, changed), "tab:blue")] if changed else []
    bars(path, [(title(program), panels[program]) for program in programs])


def main():
    if len(sys.argv) > 2 or sys.argv[1:2] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    found = sys.argv[1:] or sorted(map(str, (HERE / "results").glob("*.jsonl")))[-1:]
    if not found:
        sys.exit("error: no results yet: tests/bench/run.py")
    with_matplotlib()
    path = Path(found[0])
    kind = launch_report if path.stem.endswith("-launch") else sys.modules[__name__]
    results = kind.Results(path)
    written = "\n".join(kind.text(results))
    path.with_suffix(".md").write_text(written)
    print(written)
    kind.plot(results, path.with_suffix(".svg"))


if __name__ == "__main__":
    main()
