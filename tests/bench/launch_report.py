"""The tables and the plot of what launch.py measured, and the bounds that must hold."""

import json
import statistics

from tables import about_machine, bars, complaints, number, spread, table, what_holds

TITLES = {"trivial": "a line in C", "sqlite": "SQLite", "lua": "Lua", "llvm": "the LLVM tool", "rust": "rust-analyzer, a debug build",
          "objects-10000": "10,000 objects"}
MODES = {"pie": "PIE", "nopie": "at a fixed address", "static": "static"}
STEPS = {
    "alone": "first after a full link, nothing in the background",
    "alone, cold": "the same, page cache cold",
    "first": "first after a full link, at once",
    "second": "second",
    "settled": "settled",
    "settled, cold": "settled, page cache cold",
    "edited": "first after one edit, at once",
    "ordered": "first after a full link with the log of runs, at once",
}
# Of the last run, as `unfold status` says.
OF_RUN = {"faults": "first touches", "pages_rendered": "rendered", "pages_from_kept": "kept", "pages_prefetched": "ahead", "handover_us": "handover, us"}
MANY_RELOCATIONS = 50_000


def median(values):
    return statistics.median(values) if values else None


def interval(ordered):
    """Where the median of what was sampled lies with a probability of 95 %, by the ranks of the samples; text."""
    half = 0.98 * len(ordered) ** 0.5
    low, high = int(len(ordered) / 2 - half), int(len(ordered) / 2 + half)
    return f"{ordered[max(low, 0)]:.3f}–{ordered[min(high, len(ordered) - 1)]:.3f}"


class Results:
    def __init__(self, path):
        entries = [json.loads(line) for line in open(path)]
        self.machine = next(e for e in entries if e["kind"] == "machine")
        self.wrong = [e["text"] for e in entries if e["kind"] == "wrong"]
        self.cases = {(e["program"], e["mode"]): e for e in entries if e["kind"] == "program"}
        self.entries = {}
        for entry in entries:
            self.entries.setdefault((entry["kind"], entry.get("program"), entry.get("mode")), []).append(entry)
        self.peers = [name for name in self.machine["linkers"] if name != "unfold"]

    def of(self, kind, case, **those):
        """Entries of a kind and case whose fields have these values."""
        return [e for e in self.entries.get((kind, *case), []) if all(e.get(key) == value for key, value in those.items())]

    def inputs(self, kind, case):
        return list(dict.fromkeys(e["input"] for e in self.of(kind, case)))

    def walls(self, case, input, linker, step):
        return [e["wall"] for e in self.of("launch", case, input=input, linker=linker, step=step)]

    def twin_walls(self, case, input, peer, cold=False):
        """A twin is the same in every step but for the page cache."""
        return [e["wall"] for e in self.of("launch", case, input=input, linker=peer) if e["step"].endswith("cold") == cold]

    def best(self, figures):
        """The least median of the twins', and whose it is. Figures: peer -> values."""
        return min(((median(figures(peer)), peer) for peer in self.peers if figures(peer)), default=(None, None))

    def memory(self, case, input, linker, step, copies, key="Pss_kb"):
        return [e[key] / 1024 for e in self.of("memory", case, input=input, linker=linker, step=step, copies=copies)]

    def many(self, case, input, linker, at_a_time):
        """Milliseconds for each launch, in rounds of many."""
        return [e["total"] / e["times"] for e in self.of("many", case, input=input, linker=linker, at_a_time=at_a_time)]

    def user(self, case, input, linker):
        """User time of scripts, round by round."""
        return {e["round"]: e["user"] for e in self.of("steady", case, input=input, linker=linker)}

    def ratios(self, case, input, peer):
        """Unfold's user time over the twin's in the same round."""
        ours, theirs = self.user(case, input, "unfold"), self.user(case, input, peer)
        return sorted(ours[number] / theirs[number] for number in ours if theirs.get(number))

    def starts(self, case, linker):
        return [wall for e in self.of("start", case, linker=linker) for wall in e["walls"]]


def title(case, *more):
    return ", ".join([TITLES[case[0]], MODES[case[1]], *more])


def of_launches(results, case, input):
    name = title(case, input)
    twin, peer = results.best(lambda peer: results.twin_walls(case, input, peer))
    if twin is None:
        return

    def bound(step, factor, more):
        value = median(results.walls(case, input, "unfold", step))
        if value is not None:
            yield f"{name}: {STEPS[step]}, ms", value, max(factor * twin, twin + more), f"{peer}'s {number(twin)}, and {factor} times or {more} ms more"

    yield from bound("second", 1.05, 0.5)
    yield from bound("edited", 1.1, 2)
    yield from bound("alone", 1.5, 30)
    yield from bound("ordered", 1.2, 10)
    seconds = results.of("launch", case, input=input, linker="unfold", step="second")
    if seconds:
        yield f"{name}: second, first touches", max(e["unfold"].get("faults", 0) for e in seconds), 0, "none, in any round"
    relocations = results.cases[case]["relative_relocations"]
    if relocations > MANY_RELOCATIONS and seconds:
        yield f"{name}: second, ms", median([e["wall"] for e in seconds]), twin, f"that of {peer}'s PIE, with {relocations:,} relative relocations"


def bounds(results):
    """(what, measured, bound, why) of all that must hold."""
    for case in results.cases:
        for input in results.inputs("launch", case):
            yield from of_launches(results, case, input)
        for input in results.inputs("memory", case):
            twin, peer = results.best(lambda peer: results.memory(case, input, peer, "settled", 1))
            value = median(results.memory(case, input, "unfold", "second", 1))
            if twin is not None and value is not None:
                yield f"{title(case, input)}: second, proportional memory, MiB", value, 1.1 * twin, f"1.1 times {peer}'s {number(twin)}"
        for input in results.inputs("many", case):
            twin, peer = results.best(lambda peer: results.many(case, input, peer, 1))
            value = median(results.many(case, input, "unfold", 1))
            if twin is not None and value is not None and twin >= 10:
                yield f"{title(case, input)}: many in a row, ms each", value, 1.05 * twin, f"1.05 times {peer}'s {number(twin)}"
        for input in results.inputs("steady", case):
            for peer in results.peers:
                if ratios := results.ratios(case, input, peer):
                    yield f"{title(case, input)}: user time over {peer}'s", median(ratios), 1.01, f"95 %: {interval(ratios)}"
        handovers = [e["us"] / 1000 for e in results.of("handover", case)]
        if handovers:
            yield f"{title(case)}: stub, by its own clock, ms", median(handovers), 0.5, ""
        twin, peer = results.best(lambda peer: results.starts(case, peer))
        ours = median(results.starts(case, "unfold"))
        if twin is not None and ours is not None:
            yield f"{title(case)}: stub, seen from outside, ms", ours - twin, 0.5, f"exec to {results.of('start', case)[0]['what']}, less {peer}'s"


def launches(results, case, input):
    linkers = ["unfold", *results.peers]
    yield f"### {title(case, input)}\n"

    def of(step, linker, key):
        return number(median([e[key] for e in results.of("launch", case, input=input, linker=linker, step=step)]))

    def of_run(step, key):
        return number(median([e["unfold"][key] for e in results.of("launch", case, input=input, linker="unfold", step=step) if key in e["unfold"]]))

    def processor(step, linker):
        return number(median([e["user"] + e["system"] for e in results.of("launch", case, input=input, linker=linker, step=step)]))

    steps = [step for step in STEPS if results.walls(case, input, "unfold", step)]
    yield table(["exec to exit, ms", *linkers, "processor", "minor faults", "major", *OF_RUN.values()], [
        [STEPS[step], *(spread(results.walls(case, input, linker, step)) for linker in linkers),
         *(" / ".join(of_each(linker) for linker in ("unfold", results.peers[0])) for of_each in (
             lambda linker: processor(step, linker), lambda linker: of(step, linker, "minor_faults"), lambda linker: of(step, linker, "major_faults"))),
         *(of_run(step, key) for key in OF_RUN)] for step in steps])


def program_tables(results, case):
    about = results.cases[case]
    peers = results.peers
    linkers = ["unfold", *peers]
    yield f"## {title(case)}: {about['bytes'] / 1e6:,.1f} MB as {peers[0]} links it, {about['relative_relocations']:,} relative relocations\n"
    for input in results.inputs("launch", case):
        yield from launches(results, case, input)
    rows = []
    for input in results.inputs("memory", case):
        for linker, step, copies in [("unfold", "first", 1), ("unfold", "second", 1), *((linker, "settled", copies) for copies in (1, 16) for linker in linkers)]:
            figures = [number(median(results.memory(case, input, linker, step, copies, key))) for key in ("Pss_kb", "Pss_Anon_kb", "Pss_File_kb", "Rss_kb")]
            if figures[0]:
                rows.append([f"{input}: {linker}, {step}" + (f", each of {copies}" if copies > 1 else ""), *figures])
    if rows:
        yield "Memory at the end of the process, MiB:\n"
        yield table(["", "proportional", "of it anonymous", "of files", "resident"], rows)
    rows = [[f"{input}, {at_a_time} at a time", *(spread(results.many(case, input, linker, at_a_time)) for linker in linkers)]
            for input in results.inputs("many", case) for at_a_time in (1, 16)]
    if rows:
        yield f"{results.of('many', case)[0]['times']} launches, wall time for each, ms:\n"
        yield table(["", *linkers], rows)
    rows = []
    for input in results.inputs("steady", case):
        ratios = [results.ratios(case, input, peer) for peer in peers]
        rows.append([input, *(spread(list(results.user(case, input, linker).values())) for linker in linkers),
                     *(f"{median(each):.3f} ({interval(each)})" if each else "" for each in ratios)])
    if rows:
        yield "User time of scripts, ms; ratio in the same round, median and where it lies with 95 %:\n"
        yield table(["", *linkers, *(f"unfold / {peer}" for peer in peers)], rows)
    if results.of("start", case):
        yield f"From exec to {results.of('start', case)[0]['what']}, ms:\n"
        yield table(linkers, [[spread(results.starts(case, linker)) for linker in linkers]])


def text(results):
    about = results.machine
    yield f"# Launches, {about['date'][:10]}\n"
    yield f"{about_machine(about)} Medians (minimum–maximum); pairs are unfold / {results.peers[0]}.\n"
    yield table(["linker", ""], [[name, version] for name, version in about["linkers"].items()])
    yield "## What must hold\n"
    found = list(bounds(results))
    yield f"{sum(value <= bound for _, value, bound, _ in found)} of {len(found)} hold. A twin's time is the least of the medians of the twins.\n"
    yield what_holds(found)
    yield complaints(results.wrong)
    for case in results.cases:
        yield from program_tables(results, case)


def plot(results, path):
    panels = []
    for case in results.cases:
        for input in results.inputs("launch", case):
            panel = [(f"unfold, {STEPS[step]}", results.walls(case, input, "unfold", step), "tab:orange") for step in STEPS]
            for peer in results.peers:
                panel += [(f"{peer}", results.twin_walls(case, input, peer), "tab:gray"),
                          (f"{peer}, page cache cold", results.twin_walls(case, input, peer, cold=True), "tab:blue")]
            panels.append((title(case, input), panel))
    bars(path, panels)
