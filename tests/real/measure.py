"""Timing for bench.py: runs a command to its end and beyond, and describes the machine.

A command's `wall` ends when it returns to its caller, as for a person who waits for it. What it leaves
running in the background (mold's exiting child, unfold's own work) is waited for afterwards, so that it
does not fall into the next measurement, and counted in `settled` and `cpu`.
"""

import ctypes
import os
import statistics
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Failed(Exception):
    """A command that the benchmark cannot do without has failed."""


def run(argv, env=None, cwd=None, log=None, settle=True):
    """Runs argv; returns its times in milliseconds, its status, and the pages it faulted in.

    Output goes to the file `log`, or nowhere. With settle=False, background work is left running.
    """
    environment = {**os.environ, **(env or {})}
    with open(log or os.devnull, "wb") as sink, open(os.devnull, "rb") as source:
        start = time.perf_counter()
        child = subprocess.Popen(argv, env=environment, cwd=cwd, stdin=source, stdout=sink, stderr=sink)
        _, status, usage = os.wait4(child.pid, 0)
        end = time.perf_counter()
    child.returncode = os.waitstatus_to_exitcode(status)
    cpu = usage.ru_utime + usage.ru_stime
    settled = end
    if settle:
        more, settled = reap()
        cpu += more
    return {
        "wall": 1000 * (end - start),
        "settled": 1000 * (max(settled, end) - start),
        "cpu": 1000 * cpu,
        "status": child.returncode,
        "max_rss_kb": usage.ru_maxrss,
        "minor_faults": usage.ru_minflt,
    }


def reap(patience=60):
    """Waits for everything that earlier commands left running; returns its CPU seconds and the time."""
    cpu = 0.0
    deadline = time.perf_counter() + patience
    while True:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return cpu, time.perf_counter()
        now = time.perf_counter()
        if pid:
            cpu += usage.ru_utime + usage.ru_stime
        elif now > deadline:
            raise Failed(f"something still runs {patience} seconds after the command that started it")
        else:
            time.sleep(0.001)


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
