"""The LLVM tool of tests/real/llvm: three objects and the static archives of LLVM 14 with all targets."""

import os
import shutil
import subprocess
from pathlib import Path

import measure
import prepared

REAL_SCRIPTS = Path(__file__).resolve().parent.parent.parent / "real"


def prepare(folder):
    real = folder.parent / "real"
    subprocess.run([str(REAL_SCRIPTS / "prepare.sh"), "llvm"], env={**os.environ, "UNFOLD_REAL_DIR": str(real)}, check=True)
    made = real / "llvm"
    inputs = folder / "inputs"
    inputs.mkdir(parents=True, exist_ok=True)
    for name in ("main.o", "emit.o"):
        prepared.link_or_copy(made / "pie" / name, inputs / name)
    prepared.link_or_copy(made / "pie/report-0.o", inputs / "report.o")
    states = {}
    libraries = (made / "libs").read_text().split()
    driver = ["g++", "-pie", "main.o", "emit.o", "report.o", *libraries, "-o", prepared.OUTPUT]
    words = measure.linker_words(driver, inputs)
    for edit, state in enumerate(["original", "one-same", "one-grown"]):
        states[state] = {"report.o": state}
        prepared.link_or_copy(made / f"pie/report-{edit}.o", folder / "states" / state / "report.o")
        prepared.write_command(folder, state, words)
    shutil.copyfile(made / "small.ll", inputs / "small.ll")
    run = ["{inputs}/small.ll", "x86_64-linux-gnu", "/dev/null"]
    prepared.describe(folder, "llvm", states, run=run)
