#!/usr/bin/env bash
# Runs the real programs, each linked by GNU ld (its twin) and by unfold: both must give the same
# standard output, standard error, exit status and files, byte for byte.
#
#   tests/real/run.sh [sqlite|lua|cxx|cargo|llvm]...
#
# Every program is linked in every mode that applies to it (PIE, fixed address, static), from nothing
# for each pager, and run first without and then with background relocation; then once as `unfold bake`
# makes it. One line per case; the status is 0 when all passed. What differs stays in
# ${UNFOLD_REAL_DIR:-target/real}/run.
#
# UNFOLD_LD        the linker under test; any `ld` will do, which tests these scripts
# UNFOLD_PAGERS    pagers to try (default: "uffd signal"), for machines that do not allow userfaultfd
# MODES_ONLY       modes to try, of those that the program has
set -euo pipefail
. "$(dirname "$0")/common.sh"

[ $# -gt 0 ] || set -- sqlite lua cxx cargo llvm
[ -x "$UNFOLD_LD" ] || die "no linker at $UNFOLD_LD: cargo build --release, or set UNFOLD_LD"
UNFOLD_LD=$(cd "$(dirname "$UNFOLD_LD")" && pwd)/$(basename "$UNFOLD_LD")
UNFOLD=$(dirname "$UNFOLD_LD")/unfold
PAGERS=${UNFOLD_PAGERS:-uffd signal}
unset UNFOLD_PAGER UNFOLD_PREFETCH UNFOLD_LOG UNFOLD_INDEX LD_DIR OUT MODE EDIT VIA REPORT
ulimit -c 0 # some of the programs are meant to crash

passed=0 failed=0
result() { # result ok|FAIL CASE [REASON]
    printf '%-4s %s%s\n' "$1" "$2" "${3:+: $3}"
    if [ "$1" = ok ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

# For `execute` of the cases.sh files: runs a command in the current folder and keeps what comes of it.
step_with() { # step_with STDIN NAME COMMAND...
    local in=$1 name=$2 status=0
    shift 2
    timeout -k 5 "${STEP_SECONDS:-300}" "$@" <"$in" >"$name.out" 2>"$name.err" || status=$?
    echo "$status" > "$name.status"
}
step() { step_with /dev/null "$@"; }

# play FOLDER WORK [VARIABLE=VALUE...]: runs the program FOLDER/app in FOLDER/WORK. Programs see the
# same relative paths whoever linked them.
play() {
    local folder=$1 work=$2
    shift 2
    rm -rf "${folder:?}/$work"
    mkdir -p "$folder/$work"
    (cd "$folder/$work" && for setting in "$@"; do export "${setting?}"; done && execute ../app) 2>/dev/null
}

# link FOLDER LD_DIR [VARIABLE=VALUE...]: links FOLDER/app.
link() {
    local folder=$1 ld=$2
    shift 2
    mkdir -p "$folder"
    env "LD_DIR=$ld" "MODE=$mode" "OUT=$folder/app" "$@" "$REAL/$name/link.sh" >"$folder/link.log" 2>&1
}

# why LOG: the line of a log that says why a link failed.
why() { grep -m 1 -E '(^|[ /])ld[^ ]*: ' "$1" || grep -m 1 -i error "$1" || tail -n 1 "$1"; }

# compare CASE TWIN_WORK UNFOLD_WORK
compare() {
    local differing
    if differing=$(diff -rq "$2" "$3" 2>&1); then
        rm -rf "$3"
        result ok "$1"
    else
        result FAIL "$1" "differs from the twin in $(sed -n 's/^Files .*\/\([^/]*\) and .*/\1/p; s/^Only in .*: //p' <<<"$differing" | tr '\n' ' ')(diff -r $2 $3)"
    fi
}

run_mode() { # of program $name, in mode $mode
    local dir=$REAL/run/$name/$mode pager prefetch edit
    rm -rf "$dir"
    mkdir -p "$dir"
    if ! link "$dir/twin" "$LD_TWIN"; then
        result FAIL "$name $mode" "GNU ld does not link the twin: $dir/twin/link.log"
        return
    fi
    play "$dir/twin" work
    for pager in $PAGERS; do
        rm -rf "$dir/unfold"
        if ! link "$dir/unfold" "$LD_UNFOLD" "${INDEX[@]/#/UNFOLD_INDEX=$dir/}"; then
            cp "$dir/unfold/link.log" "$dir/link.log"
            result FAIL "$name $mode $pager" "not linked: $(why "$dir/link.log") ($dir/link.log)"
            continue
        fi
        for prefetch in off on; do
            play "$dir/unfold" "work-$pager-$prefetch" "UNFOLD_PAGER=$pager" "UNFOLD_PREFETCH=$prefetch"
            compare "$name $mode $pager prefetch=$prefetch" "$dir/twin/work" "$dir/unfold/work-$pager-$prefetch"
        done
    done
    [ -e "$dir/unfold/app" ] || return 0
    if [ -x "$UNFOLD" ]; then
        mkdir -p "$dir/baked"
        if "$UNFOLD" bake "$dir/unfold/app" -o "$dir/baked/app" >"$dir/baked/bake.log" 2>&1; then
            play "$dir/baked" work
            compare "$name $mode baked" "$dir/twin/work" "$dir/baked/work"
        else
            result FAIL "$name $mode baked" "$(tail -n 1 "$dir/baked/bake.log")"
        fi
    fi
    for edit in $EDITS; do
        if link "$dir/twin" "$LD_TWIN" "EDIT=$edit" && link "$dir/unfold" "$LD_UNFOLD" "EDIT=$edit"; then
            play "$dir/twin" "work-$edit"
            play "$dir/unfold" "work-$edit"
            compare "$name $mode edit=$edit" "$dir/twin/work-$edit" "$dir/unfold/work-$edit"
        else
            result FAIL "$name $mode edit=$edit" "not linked: $(why "$dir/unfold/link.log")"
        fi
    done
    # What passed need not stay: the twins alone are hundreds of megabytes.
    rm -rf "$dir/baked/app"
}

mkdir -p "$REAL/run/ld/twin" "$REAL/run/ld/unfold"
LD_TWIN=$REAL/run/ld/twin LD_UNFOLD=$REAL/run/ld/unfold
ln -sfn "$(command -v ld.bfd || command -v ld)" "$LD_TWIN/ld"
ln -sfn "$UNFOLD_LD" "$LD_UNFOLD/ld"

"$HERE/prepare.sh" "$@" || die "not everything could be prepared"
for name in "$@"; do
    MODES= EDITS= INDEX=()
    . "$HERE/$name/cases.sh"
    for mode in $MODES; do
        case " ${MODES_ONLY:-$MODES} " in *" $mode "*) run_mode ;; esac
    done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
