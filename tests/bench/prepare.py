#!/usr/bin/env python3
"""Makes the programs that run.py has linked. What is there already is not made again: delete it, to have it anew.

    prepare.py [--programs objects,llvm,rust] [--sizes 100,1000,10000] [--jobs N]

They go to ${UNFOLD_BENCH_DIR:-target/bench-programs}. The ten thousand objects take some six minutes on four
CPUs, rust-analyzer about as long, LLVM comes from the distribution (see tests/real/llvm). peers.sh installs the
compilers that are needed.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
FOLDER = Path(os.environ.get("UNFOLD_BENCH_DIR", TOP / "target/bench-programs")).resolve()
sys.path.insert(0, str(HERE))
from prepared import Failed

PROGRAMS = ["objects", "llvm", "rust"]


def prepare(programs, sizes, jobs):
    """The names of the prepared programs, in order."""
    names = []
    for program in programs:
        start = time.time()
        if program == "objects":
            made = [f"objects-{size}" for size in sizes]
        elif program in PROGRAMS:
            made = [program]
        else:
            raise Failed(f"unknown program {program} ({', '.join(PROGRAMS)})")
        names += made
        if all((FOLDER / name / "program.json").exists() for name in made):
            continue
        print(f"preparing {', '.join(made)} in {FOLDER}", file=sys.stderr)
        if program == "objects":
            import objects.prepare
            objects.prepare.prepare(FOLDER, sizes, jobs)
        elif program == "llvm":
            import llvm.prepare
            llvm.prepare.prepare(FOLDER / "llvm")
        else:
            import rust.prepare
            rust.prepare.prepare(FOLDER / "rust", jobs)
        print(f"{program}: {time.time() - start:.0f} seconds", file=sys.stderr)
    return names


def arguments(parser):
    parser.add_argument("--programs", default=",".join(PROGRAMS), metavar="A,B", help=f"of {', '.join(PROGRAMS)} (default: all)")
    parser.add_argument("--sizes", default="100,1000,10000", metavar="N,N", help="programs of so many objects (default 100,1000,10000)")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), metavar="N", help="compilers at a time")


def from_options(options):
    return prepare(options.programs.split(","), [int(size) for size in options.sizes.split(",")], options.jobs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments(parser)
    try:
        for name in from_options(parser.parse_args()):
            print(FOLDER / name)
    except (Failed, OSError, subprocess.CalledProcessError) as failure:
        sys.exit(f"error: {failure}")
