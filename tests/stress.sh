#!/usr/bin/env bash
# Runs many threads, children and handlers into the same untouched code at once, for as long as you like, under both
# pagers, with code kept and not kept, and checks all that they compute.
#
#   tests/stress.sh [MINUTES [SEED]]        (2 minutes from seed 1; `cargo build --release` comes first)
#
# It ends with 0 if every run was right. At the first that is not, it says the command that repeats it, and stops.
set -euo pipefail

TOP=$(cd "$(dirname "$0")/.." && pwd)
TARGET=${CARGO_TARGET_DIR:-$TOP/target}
MINUTES=${1:-2} SEED=${2:-1}
LD=$TARGET/release/ld.unfold
HANG=120 # seconds after which a run is taken to hang
unset "${!UNFOLD_@}" COMPILER_PATH

die() { printf 'error: %s\n' "$*" >&2; exit 1; }
[[ $MINUTES =~ ^[0-9]+$ && $SEED =~ ^[0-9]+$ ]] || die "usage: tests/stress.sh [MINUTES [SEED]], both whole numbers"
[ -x "$LD" ] || die "there is no $LD: run cargo build --release"

WORK=$TARGET/tmp/stress
rm -rf "$WORK"
mkdir -p "$WORK/bin"
ln -s "$LD" "$WORK/bin/ld"
for mode in pie no-pie; do
    gcc -O1 -w -pthread -f$mode -c "$TOP/tests/fixtures/stress.c" -o "$WORK/$mode.o"
done

# link MODE: a new executable without anything kept.
link() {
    rm -rf "$WORK/$1"
    mkdir "$WORK/$1"
    UNFOLD_BACKGROUND=off gcc -B"$WORK/bin" -pthread -"$1" "$WORK/$1.o" -o "$WORK/$1/app"
}

end=$((SECONDS + 60 * MINUTES)) runs=0
THREADS=(4 16 64 200)
while [ $SECONDS -lt $end ]; do
    for mode in pie no-pie; do
        link "$mode"
        # The first runs find nothing kept; those after them, more and more.
        for setting in "off off off" "off off off" "on off off" "on on off" "on on on" "on on on"; do
            read -r prefetch keep background <<<"$setting"
            for pager in auto signal; do
                seed=$((SEED + runs)) threads=${THREADS[$((runs / 2 % 4))]}
                command=(env UNFOLD_PAGER=$pager UNFOLD_PREFETCH=$prefetch UNFOLD_KEEP=$keep
                    UNFOLD_BACKGROUND=$background timeout $HANG "$WORK/$mode/app" $seed $threads)
                status=0
                "${command[@]}" || status=$?
                [ $status -eq 0 ] || die "status $status after $runs runs: ${command[*]}"
                runs=$((runs + 1))
            done
        done
    done
done
echo "$runs runs, all right (seeds $SEED to $((SEED + runs - 1)))"
