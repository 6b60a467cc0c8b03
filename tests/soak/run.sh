#!/usr/bin/env bash
# A server under load, relinked again and again: no request may fail but those that a restart cuts off, a running server must
# not notice links and collections, a restarted one must be the program that its sources say, and nothing may grow.
#
#   tests/soak/run.sh [--relinks N] [--every N] [CONFIGURATION...]
#
# Configurations: uffd, signal (the pager), uffd-alone, signal-alone (with UNFOLD_BACKGROUND=off, for links and the server),
# twin (linked by GNU ld, to compare with); default: all. A hundred relinks with ten restarts each take some five minutes.
# Redis comes from the package sources of the machine. Ends with a table; the status is 0 when nothing was found.
#
# UNFOLD_REAL_DIR, UNFOLD_LD: see tests/real/common.sh; `unfold` is beside the linker
set -euo pipefail
. "$(dirname "$0")/../real/common.sh"
unset MAKEFLAGS CFLAGS CXXFLAGS LDFLAGS CC LD
export LC_ALL=C.UTF-8
ulimit -c 0

need_packages gcc make libjemalloc-dev python3
source=$(debian_source redis)
soak=$REAL/soak
mkdir -p "$soak"
if [ ! -e "$soak/template/.built" ]; then
    say "compiling Redis"
    rm -rf "$soak/template"
    cp -r --no-preserve=ownership "$source" "$soak/template"
    make -C "$soak/template/src" -j2 USE_SYSTEM_JEMALLOC=yes CC=gcc redis-server redis-benchmark > "$soak/build.log" 2>&1 ||
        die "Redis cannot be compiled: $soak/build.log"
    : > "$soak/template/.built"
fi
# A linker that is built anew meanwhile does not disturb.
[ -x "$UNFOLD_LD" ] || die "no linker at $UNFOLD_LD: cargo build --release"
rm -rf "$soak/linkers"
mkdir -p "$soak/linkers/unfold" "$soak/linkers/twin"
cp "$UNFOLD_LD" "$(dirname "$UNFOLD_LD")/unfold" "$soak/linkers/unfold/"
ln -s ld.unfold "$soak/linkers/unfold/ld"
ln -s "$(command -v ld.bfd)" "$soak/linkers/twin/ld"
exec python3 "$(dirname "$0")/soak.py" --template "$soak/template" --linkers "$soak/linkers" --work "$soak/work" "$@"
