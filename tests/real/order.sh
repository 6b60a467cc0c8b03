#!/usr/bin/env bash
# What `unfold order` is worth: the LLVM tool, linked by lld and gold in the order of their own and in the one that unfold
# has recorded, and by unfold itself. Counts the 4 KiB pages of code that a run touches (touched.c), the minor page
# faults of one with a warm cache, and for unfold the first touches of a launch that finds nothing kept.
#
#   tests/real/order.sh [INPUT.ll]
#
# An instrumented build (LLVM's temporal profiles) would say in which order functions were entered first. So does a
# profile of a program whose functions are on pages of their own, without another build.
set -euo pipefail
. "$(dirname "$0")/common.sh"

[ -x "$UNFOLD_LD" ] || die "no linker at $UNFOLD_LD: cargo build --release, or set UNFOLD_LD"
UNFOLD_LD=$(cd "$(dirname "$UNFOLD_LD")" && pwd)/$(basename "$UNFOLD_LD")
UNFOLD=$(dirname "$UNFOLD_LD")/unfold
for linker in ld.lld ld.gold; do command -v $linker >/dev/null || die "$linker is needed: apt-get install lld binutils"; done
unset UNFOLD_PAGER UNFOLD_PREFETCH UNFOLD_LOG UNFOLD_INDEX UNFOLD_PLACE
export UNFOLD_BACKGROUND=off MODE=pie
[ -e "$REAL/llvm/link.sh" ] || (. "$HERE/llvm/prepare.sh")
input=$(realpath "${1:-$REAL/llvm/small.ll}")

work=${UNFOLD_ORDER_DIR:-$REAL/run/order}
rm -rf "$work" && mkdir -p "$work/unfold" "$work/lld" "$work/gold"
cd "$work"
gcc -O1 -shared -fPIC "$HERE/touched.c" -o touched.so
ln -s "$UNFOLD_LD" unfold/ld
ln -s "$(command -v ld.lld)" lld/ld
ln -s "$(command -v ld.gold)" gold/ld

link() { # link LINKER OUTPUT OPTION...
    LD_DIR=$work/$1 OUT=$work/$2 "$REAL/llvm/link.sh" "${@:3}" 2>"$2.log" || { cat "$2.log" >&2; die "no $2"; }
    [ ! -s "$2.log" ] || { cat "$2.log" >&2; die "the link of $2 is not silent"; }
}
run() { "$1" "$input" x86_64-linux-gnu "${2:-/dev/null}" 2>/dev/null >&2; }
# Of the program alone: a forked child would count what it copies of its parent.
faults() { python3 -c '
import os, sys
null = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (1, 2)]
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=null)
print(os.wait4(child, 0)[2].ru_minflt)' "$1" "$input" x86_64-linux-gnu /dev/null; }
measure() { # measure PROGRAM
    run "$work/$1" "$1.o"
    cmp "$1.o" lld-own.o || die "$1 computes something else"
    TOUCHED=$work/touched LD_PRELOAD=$work/touched.so run "$work/$1"
    printf '%-22s %8s of %5s pages of code   %5s minor faults\n' "$1" \
        "$(cut -d' ' -f1 touched)" "$(cut -d' ' -f3 touched)" "$(faults "$work/$1")"
}
first_touches() {
    UNFOLD_KEEP=off UNFOLD_PREFETCH=off run "$work/app" "$1.o"
    cmp "$1.o" lld-own.o || die "$1 computes something else"
    printf '%-22s %8s first touches, of 64 KiB\n' "$1" \
        "$("$UNFOLD" status app --json | sed -n 's/.*"faults": \([0-9]*\).*/\1/p')"
}
profile() { "$UNFOLD" profile "$work/$1" -o report -- "$input" x86_64-linux-gnu /dev/null >/dev/null 2>&1; }

link lld lld-own
link gold gold-own
measure lld-own
measure gold-own

# Functions where they were, so that a page has several: some of them were executed.
link unfold pages
profile pages
# Each on a page of its own.
link unfold apart -Wl,--unfold-place-apart
profile apart
for way in pages apart; do
    "$UNFOLD" order $way --format lld -o $way.lld 2>>orders.log
    "$UNFOLD" order $way --format gold -o $way.gold 2>>orders.log
    link lld lld-$way -Wl,--symbol-ordering-file=$way.lld,--fatal-warnings
    link gold gold-$way -Wl,--section-ordering-file=$way.gold,--fatal-warnings
    measure lld-$way
    measure gold-$way
done

link unfold app
first_touches unfold-own
profile app
link unfold app -Wl,--unfold-place-anew
first_touches unfold-pages
link unfold app -Wl,--unfold-place-apart
profile app
link unfold app -Wl,--unfold-place-anew
first_touches unfold-apart
