"""What a process, the processes behind links, and an index take of the machine, as the kernel tells it."""

import ctypes
import os
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def adopt():
    """From now on, whoever is left behind by its parent becomes a child of this process."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def field(text, name):
    """A number of /proc/PID/status."""
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith(name + ":")), 0)


def process(pid):
    """Memory in KiB, threads, descriptors and mappings of a process, and which of its descriptors are the loader's."""
    proc = Path(f"/proc/{pid}")
    status = (proc / "status").read_text()
    targets = []
    for entry in (proc / "fd").iterdir():
        try:
            targets.append(os.readlink(entry))
        except OSError:
            pass  # closed meanwhile
    own = [t for t in targets if "/.unfold/" in t or "userfaultfd" in t or "memfd:unfold" in t or t.endswith("/maps")]
    return {
        "rss": field(status, "VmRSS"),
        "threads": field(status, "Threads"),
        "descriptors": sum(not target.startswith("socket:") for target in targets),
        "loader": len(own),
        "maps": len((proc / "maps").read_text().splitlines()),
    }


def children(parent=None):
    """Process id -> state and name of all children of a process; None: of this one."""
    parent = parent or os.getpid()
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue
            name, rest = text[text.index("(") + 1:].rsplit(")", 1)
            state, its_parent = rest.split()[:2]
            if int(its_parent) == parent:
                found[int(entry.name)] = (state, name)
    return found


def disk(folder):
    """Bytes on disk below a folder; files with several names count once."""
    seen, total = set(), 0
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            try:
                stat = os.lstat(os.path.join(parent, name))
            except OSError:
                continue  # removed meanwhile
            if (stat.st_dev, stat.st_ino) not in seen:
                seen.add((stat.st_dev, stat.st_ino))
                total += stat.st_blocks * 512
    return total
