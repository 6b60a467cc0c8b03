#!/usr/bin/env bash
# Installs the linkers that unfold is measured beside: GNU ld and gold, lld, mold from the distribution, wild from
# the registry of Rust crates, into a folder of its own. rustc's lld comes with the toolchain.
#
#   tests/bench/peers.sh        as root, on Debian; others are told what is missing
set -euo pipefail
. "$(dirname "$0")/../real/common.sh"

WILD_VERSION=0.10.0
folder=${UNFOLD_BENCH_DIR:-$TOP/target/bench-programs}/peers

need_packages binutils lld mold clang gcc g++ libc6-dev
if ! "$folder/bin/wild" --version 2>/dev/null | grep -qF "$WILD_VERSION"; then
    cargo install --locked --version "$WILD_VERSION" --root "$folder" wild-linker
fi
for linker in ld.bfd ld.gold ld.lld mold "$folder/bin/wild"; do
    "$linker" --version | head -n 1
done
