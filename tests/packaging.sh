#!/usr/bin/env bash
# Installs unfold as people do, and links with what was installed: tests/packaging.sh [--quick]
#
# The Debian package, unpacked, installed under another root, and (root only, where overlays can be mounted) installed for
# good in a file system that is thrown away. Then, but for --quick, `cargo install` from a fresh clone: some minutes.
# Everything goes into a scratch folder.
set -euo pipefail

TOP=$(cd "$(dirname "$0")/.." && pwd)
TARGET=${CARGO_TARGET_DIR:-$TOP/target}
mkdir -p "$TARGET"
export CARGO_TARGET_DIR=$(cd "$TARGET" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
unset UNFOLD_INDEX COMPILER_PATH
say() { printf -- '-- %s\n' "$*"; }
die() { printf 'FAIL %s\n' "$*" >&2; exit 1; }
skip() { printf '%s: not tried\n' "$*" >&2; }
have() { command -v "$1" >/dev/null; }

# links UNFOLD COMMAND...: the command makes $WORK/app of $WORK/main.c, through unfold, and the program runs.
printf '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n' > "$WORK/main.c"
links() {
    local unfold=$1; shift
    rm -f "$WORK/app"
    "$@" "$WORK/main.c" -o "$WORK/app" || die "$*"
    "$unfold" status "$WORK/app" >/dev/null || die "$*: unfold has not linked this"
    [ "$("$WORK/app")" = hello ] || die "$*: the program"
}
# `works BIN LIBEXEC`: an installation, whose programs are in BIN.
works() {
    links "$1/unfold" gcc "-B$2"
    [ "$("$1/unfold" --version) (compatible with GNU ld)" = "$("$1/ld.unfold" --version | head -1)" ] || die "versions"
    links "$1/unfold" "$1/unfold" run -- gcc
    if have clang; then
        links "$1/unfold" clang "--ld-path=$1/ld.unfold"
        PATH="$1:$PATH" links "$1/unfold" clang -fuse-ld=unfold
    else
        skip clang
    fi
}

if have dpkg-deb; then
    say "packaging/debian/build.sh"
    "$TOP/packaging/debian/build.sh" "$WORK" >"$WORK/log" 2>&1 || { cat "$WORK/log" >&2; die build.sh; }
    package=$(echo "$WORK"/unfold_*_amd64.deb)
    if have lintian; then
        # Where root unpacks, lintian says so.
        lintian --fail-on error,warning --allow-root "$package" || die lintian
    else
        skip lintian
    fi

    say "unpacked"
    dpkg-deb -x "$package" "$WORK/unpacked"
    works "$WORK/unpacked/usr/bin" "$WORK/unpacked/usr/libexec/unfold"
    # All that the programs know of themselves is where they are.
    setup=$("$WORK/unpacked/usr/bin/unfold" setup)
    [[ $setup == *"gcc -B$WORK/unpacked/usr/libexec/unfold "* ]] || die "unfold setup: $setup"

    say "installed and removed under another root"
    mkdir -p "$WORK/root/var/lib/dpkg"/{info,updates,triggers} && : > "$WORK/root/var/lib/dpkg/status"
    installer=(dpkg "--root=$WORK/root" --force-depends --force-not-root --force-bad-path --log=$WORK/dpkg.log)
    "${installer[@]}" -i "$package" >"$WORK/log" 2>&1 || { cat "$WORK/log" >&2; die "dpkg -i"; }
    works "$WORK/root/usr/bin" "$WORK/root/usr/libexec/unfold"
    "${installer[@]}" --purge unfold >"$WORK/log" 2>&1 || { cat "$WORK/log" >&2; die "dpkg --purge"; }
    left=$(find "$WORK/root" -path "$WORK/root/var" -prune -o ! -type d -print)
    [ -z "$left" ] || die "left behind: $left"

    # /usr and dpkg's lists, of which this process alone sees what is written.
    throwaway='
        set -e
        mount -t tmpfs none "$1/layers"
        for folder in /usr /var/lib/dpkg; do
            mkdir -p "$1/layers$folder/upper" "$1/layers$folder/work"
            mount -t overlay none -o "lowerdir=$folder,upperdir=$1/layers$folder/upper,workdir=$1/layers$folder/work" "$folder"
        done'
    mkdir -p "$WORK/layers"
    if [ "$(id -u)" -eq 0 ] && unshare -m sh -c "$throwaway" sh "$WORK" 2>/dev/null; then
        say "installed for good, in a file system that is thrown away"
        export -f links works die skip have
        export WORK
        unshare -m bash -c "$throwaway"'
            dpkg --force-depends --log=$WORK/dpkg.log -i "$2" >/dev/null
            works /usr/bin /usr/libexec/unfold
            ! command -v clang >/dev/null || links unfold clang -fuse-ld=unfold
            ! command -v man >/dev/null || man -w ld.unfold unfold-gc >/dev/null || die "man pages"
            dpkg --log=$WORK/dpkg.log --purge unfold >/dev/null
            [ ! -e /usr/bin/ld.unfold ] && [ ! -e /usr/libexec/unfold ] || die "left behind"' bash "$WORK" "$package" ||
            die "installed for good"
    else
        skip "installing for good (overlays cannot be mounted)"
    fi
else
    skip "the Debian package (dpkg-deb)"
fi

if [ "${1:-}" != --quick ]; then
    say "cargo install from a fresh clone"
    git clone -q "$TOP" "$WORK/clone"
    # The clone has its own target folder: nothing of this tree is used.
    (cd "$WORK/clone" && env -u CARGO_TARGET_DIR cargo install -q --locked --path tools --root "$WORK/cargo")
    [ ! -e "$WORK/cargo/bin/ld.unfold" ] || die "cargo can install names with dots: unfold setup need not make any"
    "$WORK/cargo/bin/unfold" setup >/dev/null
    works "$WORK/cargo/bin" "$WORK/cargo/libexec/unfold"
fi
echo "packaging: all passed"
