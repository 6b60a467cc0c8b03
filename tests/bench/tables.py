"""Tables (Markdown) and plots (SVG) for the reports of the benchmarks."""

import os
import statistics
import subprocess
import sys
from pathlib import Path


def number(value):
    if value is None:
        return ""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def spread(values, scale=1.0):
    if not values:
        return ""
    values = [v * scale for v in values]
    return f"{number(statistics.median(values))} ({number(min(values))}–{number(max(values))})"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(head, rows):
    return "\n".join([row(head), row(["---"] * len(head)), *map(row, rows)]) + "\n"


def verdict(value, bound):
    if value <= bound:
        return "holds"
    if not bound:
        return "**short**"
    times = value / bound
    return f"**{times:.3f} times the bound**" if times < 1.1 else f"**{times:.3g} times the bound**"


def exact(value, bound):
    """A figure beside its bound: with the digits that tell them apart."""
    return f"{value:.3f}" if 0 < bound < 2 else number(value)


def what_holds(bounds):
    """The table of what must hold. Bounds: (what, measured, bound, why)."""
    return table(["", "measured", "bound", "", ""], [[what, exact(value, bound), exact(bound, bound), why, verdict(value, bound)] for what, value, bound, why in bounds])


def about_machine(about):
    return (f"{about['cpu']}, {about['cpus']} of {about['cpus_of_machine']} CPUs, {about['memory_gib']} GiB, Linux {about['kernel']}, {about['libc']}; "
            f"revision {about['revision']}; {about['runs']} rounds; load before: {about['load_before']:.1f}.")


def complaints(wrong):
    return "Wrong or refused:\n\n" + "".join(f"- {line.strip().splitlines()[0]}\n" for line in wrong) if wrong else ""


def bars(path, panels):
    """Bars of medians with minimum and maximum, on a scale of logarithms. Panels: (title, [(name, values, colour)])."""
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "unfold", "font.size": 9})
    from matplotlib import pyplot

    panels = [(title, [bar for bar in of_panel if bar[1]]) for title, of_panel in panels]
    panels = [panel for panel in panels if panel[1]]
    if not panels:
        return
    figure, axes = pyplot.subplots(len(panels), squeeze=False, layout="constrained", figsize=(9, sum(0.21 * len(b) + 0.8 for _, b in panels)),
                                   height_ratios=[len(b) + 3 for _, b in panels])
    for axis, (title, of_panel) in zip(axes[:, 0], panels):
        names, values, colours = zip(*reversed(of_panel))
        medians = [statistics.median(v) for v in values]
        spreads = [[m - min(v) for m, v in zip(medians, values)], [max(v) - m for m, v in zip(medians, values)]]
        axis.barh(names, medians, xerr=spreads, color=colours, error_kw={"linewidth": 0.8})
        axis.set_xscale("log")
        axis.set_xlim(left=min(1, min(medians) / 2))
        axis.grid(axis="x", alpha=0.3)
        axis.set_title(f"{title}: ms, median, minimum, maximum", loc="left")
        for value, name in zip(medians, names):
            axis.annotate(f" {number(value)}", (value, name), va="center", fontsize=7, xytext=(6, 4), textcoords="offset points")
    figure.savefig(path, metadata={"Date": None})


def with_matplotlib():
    """Runs this program again in an environment that has matplotlib, unless this one does."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        import prepare
        venv = prepare.FOLDER / "venv"
        if Path(sys.prefix).resolve() == venv.resolve():
            raise
        if not (venv / "bin/python3").exists():
            subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([str(venv / "bin/pip"), "install", "--quiet", "matplotlib"], check=True)
        os.execv(venv / "bin/python3", [str(venv / "bin/python3"), *sys.argv])
