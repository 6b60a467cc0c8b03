#!/usr/bin/env bash
# One command that passes the tests: unit tests, end-to-end tests and oracles, then a few real programs.
#
#   tests/run.sh [--no-real]
#
# What it needs beyond the Rust toolchain it installs when it is run by root on Debian, and names otherwise.
# clang and lld are not needed: without them, the trials that use them are left out. `--no-real` leaves out
# the real programs, for which sources are fetched from the package sources of the machine.
set -euo pipefail

TOP=$(cd "$(dirname "$0")/.." && pwd)
cd "$TOP"
# Where the scripts of tests/real look, and the end-to-end tests too.
TARGET=${CARGO_TARGET_DIR:-$TOP/target}
mkdir -p "$TARGET"
TARGET=$(cd "$TARGET" && pwd)
export CARGO_TARGET_DIR=$TARGET UNFOLD_REAL_DIR=${UNFOLD_REAL_DIR:-$TARGET/real} UNFOLD_LD=$TARGET/release/ld.unfold
unset UNFOLD_INDEX UNFOLD_PAGER UNFOLD_PREFETCH UNFOLD_KEEP UNFOLD_LOG UNFOLD_SYSTEM_LD COMPILER_PATH

REAL_PROGRAMS=(sqlite lua cxx)
[ "${1:-}" != --no-real ] || REAL_PROGRAMS=()

say() { printf '\n== %s\n' "$*"; }

# --- what is needed -----------------------------------------------------------------------------------
# `have THING`: a program in PATH, or a file.
have() { case $1 in /*) [ -e "$1" ] ;; *) command -v "$1" >/dev/null ;; esac; }
required=(gcc:gcc g++:g++ ld.bfd:binutils /usr/include/stdio.h:libc6-dev make:make)
optional=(clang:clang ld.lld:lld file:file eu-readelf:elfutils gdb:gdb gdbserver:gdbserver lldb:lldb
    perf:linux-perf strace:strace ltrace:ltrace valgrind:valgrind
    /usr/include/x86_64-linux-gnu/libunwind.h:libunwind-dev llvm-symbolizer:llvm
    git:git chromium:chromium zsh:zsh fish:fish groff:groff mandoc:mandoc lintian:lintian)
if [ ${#REAL_PROGRAMS[@]} -gt 0 ]; then # to fetch and prepare their sources
    optional+=(dpkg-source:dpkg-dev tclsh:tcl)
fi
missing() { local pair; for pair in "$@"; do have "${pair%%:*}" || echo "${pair#*:}"; done; }
packages=($(missing "${required[@]}" "${optional[@]}"))
if [ ${#packages[@]} -gt 0 ] && [ "$(id -u)" -eq 0 ] && have apt-get; then
    say "installing ${packages[*]}"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${packages[@]}" >/dev/null
fi
have cargo || { echo "error: the Rust toolchain is needed, with cargo" >&2; exit 1; }
packages=($(missing "${required[@]}"))
if [ ${#packages[@]} -gt 0 ]; then
    echo "error: these packages are needed: apt-get install ${packages[*]}" >&2
    exit 1
fi
packages=($(missing "${optional[@]}"))
[ ${#packages[@]} -eq 0 ] || echo "not everything can be tried without these: apt-get install ${packages[*]}" >&2
if [ ${#REAL_PROGRAMS[@]} -gt 0 ] && { ! have dpkg-source || ! have tclsh || ! have apt-get; }; then
    REAL_PROGRAMS=(cxx) # whose sources are here
fi

# --- build and test -----------------------------------------------------------------------------------
say "building (cargo build --release)"
cargo build --release
summary=() failed=0
note() { # note NAME STATUS
    if [ "$2" -eq 0 ]; then summary+=("ok   $1"); else summary+=("FAIL $1"); failed=1; fi
}

say "unit tests, end-to-end tests, oracles (cargo test --release --workspace)"
status=0
log=$TARGET/tmp/tests.log
mkdir -p "$TARGET/tmp"
cargo test --release --workspace --no-fail-fast 2>&1 | tee "$log" || status=$?
note "cargo test --release --workspace" "$status"

say "installed (tests/packaging.sh --quick)"
status=0
tests/packaging.sh --quick || status=$?
note "tests/packaging.sh --quick" "$status"

# A machine may forbid userfaultfd; the other mechanism is tried there all the same.
for name in "${REAL_PROGRAMS[@]}"; do
    say "real program: $name (tests/real/run.sh $name)"
    status=0
    tests/real/run.sh "$name" || status=$?
    note "tests/real/run.sh $name" "$status"
done

say "summary"
printf '%s\n' "${summary[@]}"
if [ "$failed" -eq 0 ]; then echo "all passed"; else echo "something failed" >&2; fi
# Whoever sees only the end of a log sees why.
awk '/^---- /  { shown = 0; on = 1 }
     /^failures:|^test result:/ { on = 0 }
     on && NF && shown++ < 12 { print substr($0, 1, 160) }' "$log" >&2
exit "$failed"
