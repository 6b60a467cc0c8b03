#!/usr/bin/env python3
"""Programs that are ready to be linked again and again, by any linker, in several states of their inputs.

    prepared.py apply FOLDER STATE                       puts the inputs into a state
    prepared.py link FOLDER LINKER OUTPUT [OPTION...]    links them with a linker, as they are
    prepared.py show FOLDER                              what there is

A prepared program is a folder with

    program.json    what it is: its states, how it is run
    inputs/         what is linked, in the state that was applied last; links are done in this folder
    states/S/       the files that differ in state S, and `command`: the words that the compiler driver gives to `ld`

A state is what a compiler left: applying it removes the files of the state before and copies those of its own into
place, as new files. Nothing else is touched.
"""

import json
import os
import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).resolve().parent.parent / "real"))
from measure import Failed

OUTPUT = "{output}"
ORIGINAL = "original"


class Program:
    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.inputs = self.folder / "inputs"
        path = self.folder / "program.json"
        if not path.exists():
            raise Failed(f"{self.folder} is no prepared program")
        self.about = json.loads(path.read_text())
        self.name = self.about["name"]
        self.states = self.about["states"]

    def state(self):
        path = self.folder / "state"
        return path.read_text().strip() if path.exists() else ORIGINAL

    def apply(self, state):
        """Replaces the files in which this state differs from the present one."""
        before, after = self.states[self.state()]["files"], self.states[state]["files"]
        for name in before:
            if name not in after:
                (self.inputs / name).unlink(missing_ok=True)
        for name in after:
            if before.get(name) != after[name]:
                path = self.inputs / name
                path.parent.mkdir(exist_ok=True)
                path.unlink(missing_ok=True)
                shutil.copyfile(self.folder / "states" / after[name] / name, path)
        (self.folder / "state").write_text(state + "\n")

    def changed(self, state):
        """The files that make the difference between a state and the original one."""
        original = self.states[ORIGINAL]["files"]
        return [name for name, home in self.states[state]["files"].items() if original.get(name) != home]

    def command(self, linker, output, state=None):
        words = json.loads((self.folder / "states" / (state or self.state()) / "command").read_text())
        return [str(linker), *(str(output) if word == OUTPUT else word for word in words)]

    def files(self):
        """All files that the link reads, found as a linker finds them."""
        found, folders, static, words = {}, [], False, iter(self.command("", OUTPUT)[1:])
        libraries = []
        for word in words:
            if word in ("-o", "-soname", "-h", "-z", "-m", "-dynamic-linker", "-plugin", "-rpath"):
                next(words)
            elif word in ("-Bstatic", "-static", "-Bdynamic"):
                static = word != "-Bdynamic"
            elif word.startswith("-L"):
                folders.append(word[2:] or next(words))
            elif word.startswith("-l"):
                libraries.append((word[2:], static))
            elif not word.startswith("-") and (self.inputs / word).is_file():
                found[str((self.inputs / word).resolve())] = True
        for library, static in libraries:
            names = [f"lib{library}.a"] if static else [f"lib{library}.so", f"lib{library}.a"]
            hits = (Path(self.inputs, folder, name) for folder in [*folders, "/usr/lib/x86_64-linux-gnu"] for name in names)
            hit = next((path for path in hits if path.exists()), None)
            if hit:
                found[str(hit.resolve())] = True
        return list(found)


def describe(folder, name, states, run, check=None, stdin=None):
    """Writes program.json. States: name -> files (name in inputs/ -> the state whose folder has it)."""
    about = {"name": name, "run": run, "check": check or run, "stdin": stdin, "states": {s: {"files": f} for s, f in states.items()}}
    (folder / "state").write_text(ORIGINAL + "\n")
    (folder / "program.json").write_text(json.dumps(about, indent=1) + "\n")  # last: it says that the rest is there


def write_command(folder, state, words):
    path = folder / "states" / state / "command"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(words) + "\n")


def link_or_copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def main():
    action, folder, *rest = sys.argv[1:] if len(sys.argv) > 2 else ["", ""]
    if action == "apply" and len(rest) == 1:
        program = Program(folder)
        if rest[0] not in program.states:
            raise Failed(f"the states of {program.name} are {', '.join(program.states)}")
        program.apply(rest[0])
    elif action == "link" and len(rest) >= 2:
        program = Program(folder)
        command = program.command(Path(shutil.which(rest[0]) or rest[0]).absolute(), Path(rest[1]).absolute())
        os.chdir(program.inputs)
        os.execv(command[0], [*command, *rest[2:]])
    elif action == "show" and not rest:
        program = Program(folder)
        files = program.files()
        print(f"{program.name}: {len(files)} inputs, {sum(map(os.path.getsize, files)) / 1e6:.0f} MB, now in state {program.state()}")
        for state in program.states:
            changed = program.changed(state)
            size = sum((program.folder / "states" / program.states[state]["files"][name] / name).stat().st_size for name in changed)
            print(f"  {state}: {len(changed)} files differ, {size / 1e3:.0f} kB")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"error: {failure}")
