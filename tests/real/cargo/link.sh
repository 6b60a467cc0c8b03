#!/usr/bin/env bash
# Builds the cargo program with the linker in LD_DIR (a folder with a program `ld`), build scripts and
# procedural macros included, in a target folder of its own. OUT: the output. MODE: pie (default),
# nopie, static. VIA: how rustc is brought to use that linker; each of these works with rustc 1.95:
#   linker     -C linker=gcc: a linker that is named gets no -fuse-ld=lld from rustc
#   features   -C linker-features=-lld
# More arguments go to cargo.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
case ${VIA:=linker} in
    linker)   flags=(-Clinker=gcc) ;;
    features) flags=(-Clinker-features=-lld) ;;
    *)        echo "unknown VIA $VIA" >&2; exit 2 ;;
esac
[ -z "${LD_DIR:-}" ] || flags+=("-Clink-arg=-B$LD_DIR")
target=$(rustc -vV | sed -n 's/^host: //p')
case ${MODE:=pie} in
    pie)    arguments=() folder=release ;;
    nopie)  arguments=(--target "$target") folder=$target/release; flags+=(-Crelocation-model=static) ;;
    static) arguments=(--target "$target") folder=$target/release; flags+=(-Ctarget-feature=+crt-static) ;;
    *)      echo "unknown MODE $MODE" >&2; exit 2 ;;
esac
# Cargo does not know that the linker is another one: begin anew with it, and always link the program.
key=$(printf '%s\n' "${flags[@]}" | cksum | cut -d ' ' -f 1)
export CARGO_TARGET_DIR=$here/target-$MODE-$key RUSTFLAGS="${flags[*]}"
cd "$here/src"
if [ "$MODE" = pie ] && [ "${LD_DIR:-}/ld" -nt "$CARGO_TARGET_DIR/started" ]; then
    rm -rf "$CARGO_TARGET_DIR" && mkdir -p "$CARGO_TARGET_DIR" && : > "$CARGO_TARGET_DIR/started"
fi
touch tally/src/main.rs
cargo build --release --locked --quiet -j "${JOBS:-2}" "${arguments[@]}" "$@"
cp "$CARGO_TARGET_DIR/$folder/tally" "$OUT"
