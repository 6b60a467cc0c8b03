"""What the benchmarks of links and of launches share: linkers that link one program in turns, and the file of samples."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import measure
import prepare
from measure import Failed

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent


class Linker:
    """One linker linking one program into a folder of its own."""

    def __init__(self, name, path, program):
        self.name, self.path, self.program = name, path, program
        # Names of one length: where a program's stack begins depends on them, and its speed on that.
        self.folder = program.folder / "out" / f"{name.replace(' ', '-'):_<8}"
        self.app, self.log = self.folder / "app", self.folder / "link.log"
        self.forget()

    def forget(self):
        """Back to nothing: no output, no index, no kept pages, no order log."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def link(self, settle=True, options=(), environment=None):
        os.sync()
        command = [*self.program.command(self.path, self.app), *options]
        sample = measure.run(command, env=environment, cwd=self.program.inputs, log=self.log, settle=settle)
        if sample["status"] != 0:
            measure.reap()
            raise Failed(f"{self.name}: status {sample['status']}\n{self.log.read_text(errors='replace')[-1000:]}")
        return sample


class Samples:
    """The file to which samples go as they come, a line of JSON each, and what went wrong."""

    def __init__(self, folder, name=""):
        self.wrong = []
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / time.strftime(f"%Y-%m-%d-%H%M%S{name}.jsonl", time.gmtime())
        self.file = open(self.path, "w")

    def start(self, options, linkers):
        """Goes to the processors that are to be used, and says what a reader must know of the machine."""
        cpus = sorted(os.sched_getaffinity(0))
        about = measure.machine(linkers)
        os.sched_setaffinity(0, cpus[-options.cpus:])
        about |= {"cpus_of_machine": len(cpus), "cpus": len(os.sched_getaffinity(0))}
        revision = measure.output_of(["git", "describe", "--always", "--dirty"], cwd=TOP)
        self.note(kind="machine", revision=revision, runs=options.runs, **about)

    def note(self, **entry):
        rounded = {key: round(value, 3) if isinstance(value, float) else value for key, value in entry.items()}
        self.file.write(json.dumps(rounded) + "\n")
        self.file.flush()

    def complain(self, text):
        self.wrong.append(text)
        self.note(kind="wrong", text=text)
        print(f"WRONG: {text}", file=sys.stderr)


def arguments(parser, default=None):
    """The options that say which linkers take part. Default: their names, or None for all."""
    parser.add_argument("--linkers", metavar="A,B", default=default, help=f"only these, for instance unfold,mold,lld (default: {default or 'all that are found'})")
    parser.add_argument("--cpus", type=int, default=2, metavar="N", help="processors for everything that is measured (default 2)")
    parser.add_argument("--out", default=HERE / "results", type=Path, metavar="DIR", help="where the samples go")
    parser.add_argument("--ld", default=TOP / "target/release/ld.unfold", type=Path, metavar="PATH", help="the linker under test")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PATH", help="one more linker to compare with")


def linkers(parser, options):
    """Name -> path of the linkers that take part."""
    if not options.ld.exists():
        raise Failed(f"no linker at {options.ld}: cargo build --release")
    found = {"unfold": str(options.ld.resolve()), **measure.find_peers(options.peer, prepare.FOLDER / "peers/bin")}
    if not options.linkers:
        return found
    names = options.linkers.split(",")
    missing = [name for name in names if name not in found]
    if missing:
        parser.error(f"not found: {', '.join(missing)} (there are {', '.join(found)})")
    return {name: found[name] for name in names}


def compile_tool(name):
    """Compiles one of the benchmarks' C programs; its path."""
    tool = prepare.FOLDER / name
    tool.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-O2", "-pthread", str(HERE / f"{name}.c"), "-o", str(tool)], check=True)
    return tool
