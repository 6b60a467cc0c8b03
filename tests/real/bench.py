#!/usr/bin/env python3
"""The benchmark of launches: programs linked by unfold beside the same programs linked by lld, in one run.

    tests/real/bench.py [--runs N] [--programs llvm,sqlite,lua,cxx] [--ld PATH]

From exec to exit: the first, second and third launch after a link from nothing, and one after an edit, under
each pager. Links are measured by tests/bench.

Both take turns in each round, so that whatever disturbs the machine disturbs both. Nothing is dropped from
any cache. Shown are medians, with minimum and maximum; the raw figures go to target/bench.
"""

import argparse
import filecmp
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left in the source folder
import measure
from measure import Failed

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
REAL = Path(os.environ.get("UNFOLD_REAL_DIR", TOP / "target/real")).resolve()
PAGERS = ["auto", "uffd", "signal"]

# What each program is run with: input name -> arguments. `{out}` is a file to write.
LLVM_INPUTS = {
    "usage": [],  # nothing but start and exit
    "small": [str(REAL / "llvm/small.ll"), "x86_64-linux-gnu", "{out}"],
    "large": [str(REAL / "llvm/large.ll"), "x86_64-linux-gnu", "{out}"],
}
INPUTS = {
    "llvm": LLVM_INPUTS,
    "sqlite": {"select": [":memory:", "select sqlite_version();"]},
    "lua": {"hello": ["-e", "print(('x'):rep(3))"]},
    "cxx": {"all": []},
}


class Linker:
    """One linker linking one program into a folder of its own."""

    def __init__(self, name, path, program, folder):
        self.name, self.path, self.program = name, path, program
        shutil.rmtree(folder, ignore_errors=True)
        self.folder = folder
        self.ld_dir = folder / "ld"
        self.ld_dir.mkdir(parents=True)
        (self.ld_dir / "ld").symlink_to(path)
        self.app = folder / "app"
        self.report = folder / "report.o"
        self.log = folder / "link.log"
        self.edit(0)
        environment = {"LD_DIR": str(self.ld_dir), "OUT": str(self.app), "MODE": "pie", "REPORT": str(self.report)}
        self.command = [str(self.ld_dir / "ld"), *measure.linker_words([str(REAL / program / "link.sh")], env=environment)]

    def edit(self, variant):
        """Puts another version of the edited object in place, as a compiler does: a new file."""
        source = REAL / self.program / "pie" / f"report-{variant}.o"
        if source.exists():
            self.report.unlink(missing_ok=True)
            shutil.copyfile(source, self.report)

    def forget(self):
        """Back to nothing: no output, no index, no kept pages, no order log."""
        for path in self.folder.iterdir():
            if path not in (self.ld_dir, self.report):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def link(self, settle=True):
        result = measure.run(self.command, log=self.log, settle=settle)
        if result["status"] != 0:
            raise Failed(f"{self.name} does not link {self.program}:\n{self.log.read_text(errors='replace')[-2000:]}")
        return result


def rounds(runs, what):
    for number in range(runs):
        if sys.stderr.isatty():
            print(f"\r{what}: round {number + 1} of {runs} ", end="", file=sys.stderr, flush=True)
        yield number
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)


class Table(dict):
    """Raw samples by case, in the order in which the cases came."""

    def add(self, case, sample):
        self.setdefault(case, []).append(sample)

    def median(self, case, key="wall"):
        return measure.summary([s[key] for s in self[case]])["median"]


def status_of(tool, app):
    """What `unfold status` says of the last run and link, or an empty answer."""
    text = measure.output_of([str(tool), "status", str(app), "--json"]) if tool.exists() else None
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return {}


def launch(linker, arguments, output, env=None):
    output.unlink(missing_ok=True)
    argv = [str(linker.app), *(a.replace("{out}", str(output)) for a in arguments)]
    return measure.run(argv, env=env, log=f"{output}.log")


def same_results(ours, theirs):
    """Did both runs print the same, and write the same file?"""
    pairs = [(ours, theirs), (Path(f"{ours}.log"), Path(f"{theirs}.log"))]
    return all(a.exists() == b.exists() and (not a.exists() or filecmp.cmp(a, b, shallow=False)) for a, b in pairs)


def bench_launches(program, unfold, twin, tool, runs, inputs, wrong):
    """Cases: (input, pager, which launch), beside (input, 'twin', name of the twin's linker); and the twin's links."""
    table = Table()
    ours, theirs = unfold.folder.parent / "out-unfold", unfold.folder.parent / "out-twin"
    full_links = [twin.link()["wall"] for _ in range(3)]
    for number in rounds(runs, f"launches of {program}"):
        for name, arguments in inputs.items():
            for pager in PAGERS:
                env = {"UNFOLD_PAGER": pager}
                steps = ["first", "second", "third"] + (["after an edit"] if unfold.report.exists() else [])
                for step in steps:
                    measure.reap()
                    expected = launch(twin, arguments, theirs)
                    table.add((name, "twin", twin.name), expected)
                    link = None
                    # Launched at once after the link, as people do: its background work, if any, runs on.
                    if step == "first":
                        unfold.forget()
                        unfold.edit(0)
                        link = unfold.link(settle=False)
                    elif step == "after an edit":
                        unfold.edit(1)
                        link = unfold.link(settle=False)
                    sample = launch(unfold, arguments, ours, env)
                    sample["over_twin"] = sample["wall"] - expected["wall"]
                    if link:
                        sample["with_link"] = link["wall"] + sample["wall"]
                        sample["link"] = link
                    sample["unfold"] = status_of(tool, unfold.app)
                    table.add((name, pager, step), sample)
                    # The edited object says another number: only the other launches print the same.
                    if sample["status"] != expected["status"] or (step != "after an edit" and not same_results(ours, theirs)):
                        wrong.append(f"{program} {name}, {pager}, {step}: status {sample['status']}, not as the twin's")
    return table, full_links


def milliseconds(samples):
    s = measure.summary(samples)
    return f"{s['median']:9.1f}  {s['min']:8.1f} {s['max']:8.1f}"


def last_run(samples, key):
    """The median of a figure that `unfold status` gives, as text."""
    values = [s["unfold"].get("last_run", {}).get(key) for s in samples if s.get("unfold")]
    values = [v for v in values if isinstance(v, (int, float))]
    return f"{measure.summary(values)['median']:.0f}" if values else "-"


def print_launches(program, table, twin, full_link):
    """`over twin` is the median of the differences between a launch and the twin's just before it."""
    print(f"\nLaunch to exit of {program}, milliseconds                    | over  | link and |  pages")
    print(f"{'':34}{'median':>9}  {'min':>8} {'max':>8}  | {'twin':>5} | {'launch':>8} | {'faults':>6} {'rendered':>8} "
          f"{'kept':>6} {'ahead':>6} {'of all':>6} | handover us")
    for name in dict.fromkeys(case[0] for case in table):
        for case, samples in table.items():
            if case[0] != name:
                continue
            of_twin = case[1] == "twin"
            label = f"{name}: {twin.name}" if of_twin else f"{name}: unfold {case[1]}, {case[2]}"
            line = f"{label:34}{milliseconds([s['wall'] for s in samples])}"
            if of_twin:
                both = f"{full_link + table.median(case):.1f}"
                line += f"  |       | {both:>8} |"
            else:
                both = f"{table.median(case, 'with_link'):.1f}" if "with_link" in samples[0] else ""
                pages = [s["unfold"].get("pages_total") for s in samples if s["unfold"].get("pages_total")]
                line += (f"  | {table.median(case, 'over_twin'):+5.1f} | {both:>8} | {last_run(samples, 'faults'):>6} "
                         f"{last_run(samples, 'pages_rendered'):>8} {last_run(samples, 'pages_from_kept'):>6} "
                         f"{last_run(samples, 'pages_prefetched'):>6} {pages[0] if pages else '-':>6} | "
                         f"{last_run(samples, 'handover_us'):>6}")
            print(line)


def raw(table):
    return [{"case": case if isinstance(case, str) else " / ".join(case), "samples": samples,
             "wall_ms": measure.summary([s["wall"] for s in samples])} for case, samples in table.items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7, metavar="N", help="rounds (default 7)")
    parser.add_argument("--programs", default="llvm", metavar="A,B", help=f"of {', '.join(INPUTS)} (default llvm)")
    parser.add_argument("--inputs", metavar="A,B", help="only these inputs of the launches")
    parser.add_argument("--ld", default=TOP / "target/release/ld.unfold", type=Path, metavar="PATH", help="the linker under test")
    parser.add_argument("--out", default=TOP / "target/bench", type=Path, metavar="DIR", help="where the raw figures go")
    options = parser.parse_args()
    programs = options.programs.split(",")
    unknown = set(programs) - set(INPUTS)
    if unknown:
        parser.error(f"unknown program: {', '.join(unknown)}")
    ld = options.ld.resolve()
    if not ld.exists():
        raise Failed(f"no linker at {ld}: cargo build --release")
    tool = ld.parent / "unfold"
    prepared = subprocess.run([str(HERE / "prepare.sh"), *programs], stderr=subprocess.PIPE, text=True)
    if prepared.returncode != 0:
        raise Failed(f"not everything could be prepared:\n{prepared.stderr}")

    lld = shutil.which("ld.lld")
    if not lld:
        raise Failed("lld is needed, to compare with")
    report = {"machine": measure.machine({"unfold": str(ld), "lld": lld}), "runs": options.runs, "programs": {}}
    report["revision"] = measure.output_of(["git", "describe", "--always", "--dirty"], cwd=TOP)
    about = report["machine"]
    print(f"{about['cpu']}, {about['cpus']} CPUs, {about['memory_gib']} GiB, Linux {about['kernel']}, load {about['load_before']:.1f}, "
          f"{options.runs} rounds, {about['date']}")
    for name, version in about["linkers"].items():
        print(f"  {name:9} {version}")

    wrong = []
    for program in programs:
        work = REAL / "bench" / program
        unfold = Linker("unfold", ld, program, work / "unfold")
        twin = Linker("lld", lld, program, work / "lld")
        names = options.inputs.split(",") if options.inputs else INPUTS[program]
        inputs = {name: INPUTS[program][name] for name in names}
        launches, full_links = bench_launches(program, unfold, twin, tool, options.runs, inputs, wrong)
        report["programs"][program] = {"launch": raw(launches), "twin_links_ms": full_links}
        print_launches(program, launches, twin, measure.summary(full_links)["median"])

    report["wrong"] = wrong
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / time.strftime("bench-%Y%m%d-%H%M%S.json", time.gmtime())
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"\nraw figures: {path}")
    for line in wrong:
        print(f"WRONG RESULT: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failure:
        sys.exit(f"error: {failure}")
