"""Builds rust-analyzer as cargo does for a developer (dev profile, all debug information), then again after each
edit, and keeps what each link was given.

The source is the crate of the registry, whose own lock file pins all others. The edits are edits of the source:
of `main.rs`, for an object of the program's own crate, and of the library beneath it, for an rlib.
"""

import filecmp
import json
import os
import shutil
import subprocess
from pathlib import Path

import measure
import prepared
from prepared import Failed

HERE = Path(__file__).resolve().parent
CRATE, VERSION = "ra_ap_rust-analyzer", "0.0.330"

# The line that an edit replaces, and what the program prints through it when nothing was edited.
OWN = ("src/bin/main.rs", 'println!("rust-analyzer {}", ra_ap_rust_analyzer::version());')
LIBRARY = ("src/version.rs", 'write!(f, "{}", self.version)?;')
# A function more, of its own code alone.
GROWN = """
#[inline(never)]
fn letters(text: &str) -> usize {
    let mut seen = [0usize; 256];
    for &letter in text.as_bytes() {
        seen[letter as usize] += 1;
    }
    let mut different = 0;
    while let Some(at) = seen.iter().position(|&count| count > 0) {
        seen[at] = 0;
        different += 1;
    }
    different
}
"""
# And one of generic code, which rustc puts into new objects.
GENERIC = """
fn letters(text: &str) -> usize {
    let mut seen = std::collections::BTreeMap::new();
    for letter in text.chars() {
        *seen.entry(letter).or_insert(0usize) += 1;
    }
    seen.values().filter(|&&count| count > 0).count()
}
"""


def own(number, more=""):
    also = ' println!("{} letters", letters("the quick brown fox"));' if more else ""
    return (*OWN, f'println!("rust-analyzer {{}}, program {{}}", ra_ap_rust_analyzer::version(), {number});{also}', more)


def library(number, more=""):
    also = ' write!(f, " of {} letters", letters("the quick brown fox"))?;' if more else ""
    return (*LIBRARY, f'write!(f, "{{}}, library {{}}", self.version, {number})?;{also}', more)


# State -> the edits that make it.
EDITS = {
    "original": [own(7000), library(8000)],
    "own-same": [own(7001), library(8000)],
    "own-grown": [own(7003, GROWN), library(8000)],
    "own-generic": [own(7002, GENERIC), library(8000)],
    "rlib-same": [own(7000), library(8001)],
    "rlib-grown": [own(7000), library(8002, GROWN)],
}


def fetch(folder):
    """A copy of the crate's source, as a workspace of its own."""
    source = folder / "source"
    if source.exists():
        return source
    probe = folder / "probe"
    (probe / "src").mkdir(parents=True, exist_ok=True)
    (probe / "src/lib.rs").touch()
    (probe / "Cargo.toml").write_text(f'[package]\nname = "probe"\nedition = "2024"\n[dependencies]\n{CRATE} = "={VERSION}"\n[workspace]\n')
    text = subprocess.run(["cargo", "metadata", "--format-version=1"], cwd=probe, stdout=subprocess.PIPE, check=True).stdout
    packages = [p for p in json.loads(text)["packages"] if p["name"] == CRATE]
    shutil.copytree(Path(packages[0]["manifest_path"]).parent, folder / "source.new")
    shutil.rmtree(probe)
    with open(folder / "source.new/Cargo.toml", "a") as manifest:
        manifest.write("\n[workspace]\n")
    return (folder / "source.new").rename(source)


def build(source, pristine, edits, capture, jobs):
    """Edits the source, has cargo build it, and leaves the link's command and files in `capture`."""
    if (capture / "link.json").exists():
        return
    for name, old, new, more in edits:
        text = (pristine / name).read_text()
        if text.count(old) != 1:
            raise Failed(f"{name} is not as expected: {old}")
        text = text.replace(old, new) + more
        if (source / name).read_text() != text:
            (source / name).write_text(text)
    shutil.rmtree(capture, ignore_errors=True)
    program = source / "target/debug/rust-analyzer"
    program.unlink(missing_ok=True)
    for path in (source / "target/debug/deps").glob("rust_analyzer-*"):  # so that it is linked again
        if not path.suffix:
            path.unlink()
    environment = {
        **os.environ,
        "CARGO_TARGET_DIR": str(source / "target"),
        "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER": str(HERE / "capture.py"),
        "GIT_DIR": "/nonexistent",  # no revision in what the program prints
        "UNFOLD_BENCH_CAPTURE": str(capture),
        "CARGO_INCREMENTAL": "1",
    }
    for name in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"):
        environment.pop(name, None)
    subprocess.run(["cargo", "build", "--locked", "--bin", "rust-analyzer", f"-j{jobs}"], cwd=source, env=environment, check=True)
    if not (capture / "link.json").exists():
        raise Failed("cargo did not link the program")


def same(one, other):
    return one.exists() and other.exists() and (one.samefile(other) or filecmp.cmp(one, other, shallow=False))


def prepare(folder, jobs):
    folder.mkdir(parents=True, exist_ok=True)
    source = fetch(folder)
    pristine = folder / "pristine"
    if not pristine.exists():
        shutil.copytree(source, pristine)
    captures = {state: folder / "captured" / state for state in EDITS}
    for state, edits in EDITS.items():
        build(source, pristine, edits, captures[state], jobs)

    # The files of a state are those that are not the same in all: others are linked as they are.
    names = {state: [str(p.relative_to(home)) for p in home.rglob("*") if p.is_file() and p.name != "link.json"]
             for state, home in captures.items()}
    original = captures[prepared.ORIGINAL]
    common = {name for name in names[prepared.ORIGINAL] if all(same(original / name, home / name) for home in captures.values())}
    shutil.rmtree(folder / "inputs", ignore_errors=True)
    shutil.rmtree(folder / "states", ignore_errors=True)
    for name in common:
        prepared.link_or_copy(original / name, folder / "inputs" / name)
    states = {}
    for state, home in captures.items():
        states[state] = {}
        for name in names[state]:
            if name in common:
                continue
            # As cargo leaves an rlib alone that it need not build again.
            of = prepared.ORIGINAL if same(original / name, home / name) else state
            states[state][name] = of
            if of == state:
                prepared.link_or_copy(home / name, folder / "states" / state / name)
            if state == prepared.ORIGINAL:  # copies: they are replaced
                (folder / "inputs" / name).parent.mkdir(exist_ok=True)
                shutil.copyfile(home / name, folder / "inputs" / name)
        # The driver would look for rustc's lld.
        words = [word for word in json.loads((home / "link.json").read_text()) if not word.startswith(("-fuse-ld=", "-B"))]
        prepared.write_command(folder, state, measure.linker_words(["gcc", *words], home))
    (folder / "inputs/sample.rs").write_bytes((pristine / "src/bin/main.rs").read_bytes())
    prepared.describe(folder, "rust", states, run=["--version"], check=["symbols"], stdin="sample.rs")
