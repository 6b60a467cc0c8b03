#!/usr/bin/env bash
# Builds whole packages, once as they are (GNU ld) and once with unfold as the linker of everything that they
# link, runs the packages' own tests, and compares what their tests and their configuration come to.
#
#   tests/real/suites.sh [NAME...]        # one of tests/real/suites/NAME.sh each; default: all
#
# Ends with a table; the status is 0 when nothing differs. Logs stay in ${UNFOLD_REAL_DIR:-target/real}/suites,
# among them `links`: a line for every link, as the linker itself tells what it did.
#
# UNFOLD_LD    the linker under test; `unfold` is beside it
# JOBS         of make and others (default: 3)
set -uo pipefail
. "$(dirname "$0")/common.sh"

if [ $# -eq 0 ]; then
    for file in "$HERE"/suites/*.sh; do set -- "$@" "$(basename "$file" .sh)"; done
fi
JOBS=${JOBS:-3}
unset UNFOLD_INDEX UNFOLD_PAGER UNFOLD_PREFETCH UNFOLD_KEEP UNFOLD_LOG MAKEFLAGS
unset CFLAGS CXXFLAGS LDFLAGS RUSTFLAGS CC CXX CC_LD LD CARGO_TARGET_DIR
export LC_ALL=C.UTF-8
ulimit -c 0

# Makes $linkers: folders with a program called `ld`, the twin's, and one whose `ld` is unfold, with `unfold`
# beside it.
prepare_linkers() {
    local unfold system
    unfold=$(cd "$(dirname "$UNFOLD_LD")" && pwd) || die "no linker at $UNFOLD_LD: cargo build --release"
    system=$(command -v ld.bfd)
    mkdir -p "$linkers/gnu-ld" "$linkers/unfold"
    ln -s "$system" "$linkers/gnu-ld/ld"
    cp "$unfold/unfold" "$linkers/unfold/"
    # Each link adds to $LINKS the line of --verbose; nothing else of the linker changes.
    cat > "$linkers/unfold/ld.unfold" <<END
#!/bin/bash
export UNFOLD_SYSTEM_LD="$linkers/unfold/system"
case " \$* " in *" -o "*) ;; *) exec "$unfold/ld.unfold" "\$@" ;; esac
said=\$(mktemp)
"$unfold/ld.unfold" --verbose "\$@" 2>"\$said"
status=\$?
kind=executable out=a.out
for word; do
    case \$word in -shared) kind=library ;; esac
    [ "\${last:-}" != -o ] || out=\$word
    last=\$word
done
why=\$(sed -n 's/^ld\.unfold: \(.*\): handed to .*/handed on: \1/p' "\$said")
[ -z "\${LINKS:-}" ] || printf '%s\t%s\t%s\t%s\n' "\$kind" "\$out" "\$status" "\${why:-unfold}" >> "\$LINKS"
grep -v -e '^ld\.unfold: .*: handed to ' -e '^ld\.unfold: .*: \(full\|incremental\).*, [0-9]* read\$' "\$said" >&2
rm -f "\$said"
exit \$status
END
    # A link that is handed on comes here with the same words.
    printf '#!/bin/bash\n[ "$1" != --verbose ] || shift\nexec %s "$@"\n' "$system" > "$linkers/unfold/system"
    chmod +x "$linkers/unfold/ld.unfold" "$linkers/unfold/system"
    ln -s ld.unfold "$linkers/unfold/ld"
}

# --- for the files in suites/ --------------------------------------------------------------------------
# Runs a command with the linker of this side, by `unfold run` or as it is.
under() {
    if [ "$side" = unfold ]; then
        XDG_CACHE_HOME=$REAL/suites/$name/cache "$linkers/unfold/unfold" run -- "$@"
    else
        "$@"
    fi
}

# crate_source NAME VERSION: fetches a crate from the registry; prints its folder.
crate_source() {
    local fetch=$REAL/sources/crates/$1 home=${CARGO_HOME:-$HOME/.cargo}
    mkdir -p "$fetch/src"
    : > "$fetch/src/lib.rs"
    printf '[package]\nname = "fetch"\nversion = "0.0.0"\n[dependencies]\n%s = "=%s"\n[workspace]\n' "$1" "$2" > "$fetch/Cargo.toml"
    (cd "$fetch" && cargo fetch --quiet) >&2 || die "no source of $1"
    ls -d "$home"/registry/src/*/"$1-$2" | head -n 1
}

# One line per test, `ok NAME` or `not ok NAME`, from what test programs print.
outcomes() {
    sed -E -n '
        # Automake, redis
        s/^(PASS|XFAIL): /ok /p; s/^(FAIL|XPASS|ERROR): /not ok /p; s/^SKIP: /skipped /p
        s/^\[ok\]: (.*) \([0-9]+ ms\)$/ok \1/p; s/^\[(err|exception|timeout)\]: /not ok /p; s/^\[(ignore|skip)\]: /skipped /p
        # CTest, meson
        s/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: ([^ ]+) [. ]+Passed.*/ok \1/p
        s/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: ([^ ]+) [. ]+\*\*\*(Failed|Exception|Timeout).*/not ok \1/p
        s/^ *[0-9]+\/[0-9]+ (.*[^ ]) +OK +[0-9.]+s.*/ok \1/p
        s/^ *[0-9]+\/[0-9]+ (.*[^ ]) +(FAIL|ERROR|TIMEOUT) +[0-9.]+s.*/not ok \1/p
        s/^ *[0-9]+\/[0-9]+ (.*[^ ]) +SKIP +[0-9.]+s.*/skipped \1/p
        # GoogleTest
        s/^(.*: )?\[ +OK \] ([^ ,]+).*\(.*/ok \2/p; s/^(.*: )?\[ +FAILED +\] ([^ ,]+).*\(.*/not ok \2/p
        # cargo test
        s/^test (.*) \.\.\. ok$/ok \1/p; s/^test (.*) \.\.\. FAILED$/not ok \1/p; s/^test (.*) \.\.\. ignored.*/skipped \1/p
        # SQLite, zlib
        s/^([^ ]+)\.\.\. Ok$/ok \1/p; s/^! ([^ ]+) expected.*/not ok \1/p
        s/^[[:space:]]*\*\*\* (.*) OK \*\*\*$/ok \1/p; s/^[[:space:]]*\*\*\* (.*) FAILED \*\*\*$/not ok \1/p
        # Here
        /^(ok|not ok|step) /p' | sort -u
}

# What a build found out about the machine, apart from paths.
configuration() {
    local file
    for file in $configured; do
        echo "== $file"
        sed -E -e "s|$linkers/$side|LINKERS|g; s|$PWD|HERE|g; s|$REAL/suites/$name/cache/unfold-run/|/usr/bin/|g" \
            -e 's|-?-?(ld-path=)?LINKERS/ld(\.unfold)?|LINKERS|g' \
            -e '/^(# For build in directory|# on|# It was generated|CMAKE_CACHEFILE_DIR)/d' "$file"
    done
}

# build_and_test: of $name, on $side, in $dir.
build_and_test() {
    export LINKS=$dir/links
    B=$linkers/$side
    : > "$LINKS"
    cp -r --no-preserve=ownership "$src" "$dir/src" && cd "$dir/src" || return
    local step
    for step in build check after; do
        declare -F "$step" >/dev/null || continue
        say "$name with $side: $step"
        (set -e; "$step") > "$dir/$step.log" 2>&1 </dev/null && echo "step $step: 0" >> "$dir/steps" ||
            echo "step $step: failed" >> "$dir/steps"
    done
    cat "$dir/steps" "$dir/check.log" ${results:+$results} | outcomes > "$dir/outcomes"
    configuration > "$dir/configuration" 2>&1
}

count() { grep -c "$@"; }
tested() { # tested SIDE: passed/failed
    echo "$(count '^ok ' "$REAL/suites/$name/$1/outcomes")/$(count '^not ok ' "$REAL/suites/$name/$1/outcomes")"
}

# What configure scripts, CMake and meson link to learn something.
CHECKS=$'\t[^\t]*(conftest|cmTC_[^\t/]*|CompilerId[^\t]*|CMakeTmp/[^\t]*|a\.out|sanitycheck[^\t/]*\.exe|meson-private/[^\t]*|output\.exe|ztest[^\t/]*|/conftest[^\t/]*)\t'
linked() { # linked KIND: by unfold
    grep -E -v "$CHECKS" "$REAL/suites/$name/unfold/links" | count -P "^$1\t.*\t0\tunfold"
}

run_suite() {
    local side dir differs=() known_count= linkers=$REAL/suites/$name/linkers
    local system= needs= source= crate= configured= results= known=
    . "$HERE/suites/$name.sh"
    [ -z "$needs" ] || need_packages $needs
    if [ -n "$crate" ]; then src=$(crate_source $crate); else src=$(debian_source "$source"); fi
    [ -d "$src" ] || return
    rm -rf "${REAL:?}/suites/$name"
    prepare_linkers
    # Names of the same length: what programs do may depend on that of a path.
    for side in gnu-ld unfold; do
        dir=$REAL/suites/$name/$side
        mkdir -p "$dir"
        (build_and_test)
    done
    cd "$REAL/suites/$name"
    # What is known to differ, and why, is in the suite's file and in docs/testing.md.
    local sift="^(not )?(ok|step|skipped) (${known:-.^})"
    for file in outcomes configuration; do
        diff -u <(grep -v -E "$sift" "gnu-ld/$file") <(grep -v -E "$sift" "unfold/$file") > "$file.diff" ||
            differs+=("$file.diff")
    done
    diff gnu-ld/outcomes unfold/outcomes > all.diff || [ ${#differs[@]} -gt 0 ] ||
        known_count=$(diff gnu-ld/outcomes unfold/outcomes | count -E '^< ok ')
    grep -q '^ok ' unfold/outcomes || differs+=(nothing-passed)
    [ "$(linked executable)" != 0 ] || differs+=(nothing-linked)
    printf '%s|%s|%s|%s|%s|%s|%s|%s|%s\n' "$name" "$system" "$(linked executable)" "$(linked library)" \
        "$(count -E "$CHECKS" unfold/links)" \
        "$(sed -n 's/.*\thanded on: //p' unfold/links | sort | uniq -c | awk '{ printf "%s%s ×%s", s, $2, $1; s = ", " }')" \
        "$(tested gnu-ld)" "$(tested unfold)" "${differs[*]:-same}${known_count:+, but for $known_count known}" > row
}

for name in "$@"; do
    [ -e "$HERE/suites/$name.sh" ] || die "no suite '$name' in $HERE/suites"
    (run_suite) || { mkdir -p "$REAL/suites/$name"; echo "$name|||||||-|not built" > "$REAL/suites/$name/row"; }
done
status=0
{
    echo "package|build system|executables|libraries|checks|handed on|ld: passed/failed|unfold|comparison"
    for name in "$@"; do cat "$REAL/suites/$name/row"; done
} | sed 's/|/ | /g' | column -t -s '|' -o '|'
for name in "$@"; do grep -q '|same[^|]*$' "$REAL/suites/$name/row" || status=1; done
exit $status
