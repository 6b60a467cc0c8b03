#!/usr/bin/env python3
"""Stands in for the linker of rustc: keeps the command line and all files of the link that the benchmark repeats.

UNFOLD_BENCH_CAPTURE names a folder that does not exist yet. It gets hard links of the files that cargo and
rustc made, and `link.json`: what the compiler driver was told, with those files named by their links. Files
of the system and of the toolchain stay where they are. Then the link is done.
"""

import json
import os
import sys
from pathlib import Path

PROGRAM = "rust_analyzer-"


def keep(argument, folder, made):
    """The argument, with a file or folder that this build made replaced by its copy in `folder`."""
    prefix = "-L" if argument.startswith("-L") else ""
    path = Path(argument[len(prefix):])
    if not path.is_absolute() or not any(path.is_relative_to(place) for place in made) or not path.exists():
        return argument
    name = f"{path.parent.name}/{path.name}" if path.parent.name.startswith("rustc") else path.name
    copy = folder / name
    copy.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        copy.mkdir(exist_ok=True)
    elif not copy.exists():
        try:
            os.link(path, copy)
        except OSError:  # temporary folder on another file system
            copy.write_bytes(path.read_bytes())
    return prefix + name


def main():
    arguments = sys.argv[1:]
    words = list(arguments)
    if len(words) == 1 and words[0].startswith("@"):  # too long for a command line
        words = [line for line in Path(words[0][1:]).read_text().splitlines() if line]
    output = Path(words[words.index("-o") + 1]) if "-o" in words else Path()
    folder = os.environ.get("UNFOLD_BENCH_CAPTURE")
    if folder and output.name.startswith(PROGRAM):
        folder = Path(folder)
        folder.mkdir(parents=True)
        made = [output.parent.parent, Path(os.environ.get("TMPDIR", "/tmp"))]
        kept = ["{output}" if word == str(output) else keep(word, folder, made) for word in words]
        (folder / "link.json").write_text(json.dumps(kept, indent=1) + "\n")
    os.execvp("gcc", ["gcc", "-fuse-ld=lld", *arguments])


main()
