"""Timing for the benchmarks: runs a command to its end and beyond, and describes the machine.

A command's `wall` ends when it returns to its caller, as for a person who waits for it. What it leaves
running in the background (mold's exiting child, unfold's own work) is waited for afterwards, so that it
does not fall into the next measurement, and counted in `settled`, `cpu`, `max_rss_kb` and `written`.

Memory is the largest resident set of any one process of the command, which includes the pages of files that it
maps; what this interpreter has itself, some 20 MB, is the least that can be seen. `written` is what the kernel says:
the bytes of file pages that became dirty, less those that were dropped before they reached the disk.
"""

import ctypes
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Failed(Exception):
    """A command that the benchmark cannot do without has failed."""


def written():
    """The bytes written so far by this process and all those that it has waited for."""
    figures = dict(line.split(": ") for line in open("/proc/self/io").read().splitlines())
    return int(figures["write_bytes"]) - int(figures["cancelled_write_bytes"])


def run(argv, env=None, cwd=None, log=None, settle=True):
    """Runs argv; returns its times in milliseconds, its status, its memory, and what it wrote.

    Output goes to the file `log`, or nowhere. With settle=False, background work is left running.
    """
    environment = {**os.environ, **(env or {})}
    with open(log or os.devnull, "wb") as sink, open(os.devnull, "rb") as source:
        before = written()
        start = time.perf_counter()
        child = subprocess.Popen(argv, env=environment, cwd=cwd, stdin=source, stdout=sink, stderr=sink)
        _, status, usage = os.wait4(child.pid, 0)
        end = time.perf_counter()
    child.returncode = os.waitstatus_to_exitcode(status)
    sample = {
        "wall": 1000 * (end - start),
        "settled": 1000 * (end - start),
        "cpu": 1000 * (usage.ru_utime + usage.ru_stime),
        "status": child.returncode,
        "max_rss_kb": usage.ru_maxrss,
        "minor_faults": usage.ru_minflt,
        "written": written() - before,
    }
    if settle:
        settle_into(sample, start)
    return sample


def settle_into(sample, start):
    """Waits for what a command left running, and counts it in the command's sample."""
    before = written()
    cpu, memory, end = reap()
    sample["settled"] = max(sample["settled"], 1000 * (end - start))
    sample["cpu"] += 1000 * cpu
    sample["max_rss_kb"] = max(sample["max_rss_kb"], memory)
    sample["written"] += written() - before


def first_output(argv, env=None, cwd=None):
    """Milliseconds from the start of a program to the first byte of its output; the program runs to its end."""
    start = time.perf_counter()
    child = subprocess.Popen(argv, env={**os.environ, **(env or {})}, cwd=cwd, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    got = os.read(child.stdout.fileno(), 1)
    end = time.perf_counter()
    child.stdout.read()
    if child.wait() != 0 or not got:
        raise Failed(f"{argv[0]} ended with status {child.returncode} and {'some' if got else 'no'} output")
    return 1000 * (end - start)


def reap(patience=60):
    """Waits for everything that earlier commands left running; returns its CPU seconds, memory (KiB), and the time."""
    cpu, memory = 0.0, 0
    deadline = time.perf_counter() + patience
    while True:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return cpu, memory, time.perf_counter()
        now = time.perf_counter()
        if pid:
            cpu += usage.ru_utime + usage.ru_stime
            memory = max(memory, usage.ru_maxrss)
        elif now > deadline:
            raise Failed(f"something still runs {patience} seconds after the command that started it")
        else:
            time.sleep(0.001)


def linker_words(driver, cwd=None, env=None):
    """What a compiler driver's command gives to the linker, without the linker."""
    done = subprocess.run([*driver, "-###"], cwd=cwd, env={**os.environ, **(env or {})}, text=True, capture_output=True)
    for line in done.stderr.splitlines():
        words = shlex.split(line) if line.startswith(" ") else []
        if words and words[0].endswith(("/collect2", "/ld")):
            return words[1:]
    raise Failed(f"the compiler driver shows no link command:\n{done.stderr[-2000:]}")


def find_peers(extra, folder=None):
    """The other linkers on this machine, by name; those in `folder` go before those in PATH. Extra: NAME=PATH."""
    found = {}
    path = f"{folder}:{os.environ['PATH']}" if folder else None
    for name, program in [("GNU ld", "ld.bfd"), ("gold", "ld.gold"), ("lld", "ld.lld"), ("mold", "mold"), ("wild", "wild")]:
        hit = shutil.which(program, path=path)
        if hit:
            found[name] = hit
    sysroot = output_of(["rustc", "--print", "sysroot"])
    if sysroot:  # a newer lld than the distribution's
        for hit in Path(sysroot, "lib/rustlib").glob("*/bin/gcc-ld/ld.lld"):
            found["rust-lld"] = str(hit)
    for peer in extra:
        name, _, hit = peer.partition("=")
        found[name] = str(Path(hit).resolve())
    return found


def summary(samples):
    """Median, minimum and maximum of a list of figures."""
    return {"median": statistics.median(samples), "min": min(samples), "max": max(samples), "n": len(samples)}


def output_of(argv, default=None, **options):
    """The standard output of a command, or the default if it fails."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True, **options)
        return done.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return default


def first_line(argv):
    return (output_of(argv) or "?").splitlines()[0]


def machine(linkers):
    """What a reader must know to compare the figures with others: no names of hosts or people."""
    cpu = "?"
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    memory = int(open("/proc/meminfo").readline().split()[1]) // (1 << 20)
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": cpu,
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gib": memory,
        "kernel": os.uname().release,
        "libc": " ".join(os.confstr("CS_GNU_LIBC_VERSION").split()),
        "load_before": os.getloadavg()[0],
        "python": sys.version.split()[0],
        "compiler": first_line(["gcc", "--version"]),
        "linkers": {name: first_line([path, "--version"]) for name, path in linkers.items()},
    }
