#!/usr/bin/env bash
# Builds unfold_VERSION_amd64.deb of this tree, without root: packaging/debian/build.sh [FOLDER]   (default: target/debian)
#
# /usr/bin/ld.unfold, unfold    the programs; clang finds the linker by -fuse-ld=unfold
# /usr/libexec/unfold/ld        a link to it; gcc finds it by -B/usr/libexec/unfold
# and manual pages, completions for bash, zsh and fish, documentation
set -euo pipefail

TOP=$(cd "$(dirname "$0")/../.." && pwd)
TARGET=$(mkdir -p "${CARGO_TARGET_DIR:-$TOP/target}" && cd "${CARGO_TARGET_DIR:-$TOP/target}" && pwd)
OUT=$(mkdir -p "${1:-$TARGET/debian}" && cd "${1:-$TARGET/debian}" && pwd)
HERE=$TOP/packaging/debian

(cd "$TOP" && CARGO_TARGET_DIR=$TARGET cargo build --release --locked)
UNFOLD=$TARGET/release/unfold
VERSION=$("$UNFOLD" --version | cut -d' ' -f2)
# All files of a package have one time, so that a tree gives one package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$TOP" log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

ROOT=$(mktemp -d)
trap 'rm -rf "$ROOT"' EXIT
chmod 755 "$ROOT"
umask 022
put() { install -Dm644 "$1" "$ROOT/$2"; }             # put FILE PATH
made() { install -Dm644 /dev/stdin "$ROOT/$1"; }      # ... | made PATH

# The programs. Without debug information, as all of Debian's.
for program in ld-unfold:ld.unfold unfold:unfold; do
    install -Dm755 "$TARGET/release/${program%%:*}" "$ROOT/usr/bin/${program#*:}"
    strip --strip-unneeded --remove-section=.comment "$ROOT/usr/bin/${program#*:}"
done
mkdir -p "$ROOT/usr/libexec/unfold"
ln -s ../../bin/ld.unfold "$ROOT/usr/libexec/unfold/ld"

mkdir -p "$ROOT/usr/share/man/man1"
"$UNFOLD" man "$ROOT/usr/share/man/man1" >/dev/null
gzip -9n "$ROOT"/usr/share/man/man1/*.1
"$UNFOLD" completion bash | made usr/share/bash-completion/completions/unfold
"$UNFOLD" completion zsh | made usr/share/zsh/vendor-completions/_unfold
"$UNFOLD" completion fish | made usr/share/fish/vendor_completions.d/unfold.fish

DOC=usr/share/doc/unfold
put "$HERE/copyright" $DOC/copyright
put "$TOP/README.md" $DOC/README.md
put "$TOP/ARCHITECTURE.md" $DOC/ARCHITECTURE.md
for page in "$TOP"/docs/*.md; do put "$page" "$DOC/docs/$(basename "$page")"; done
made $DOC/changelog.gz < <(sed -e "s/@VERSION@/$VERSION/" -e "s/@DATE@/$(date -uRd "@$SOURCE_DATE_EPOCH")/" "$HERE/changelog" | gzip -9n)

mkdir "$ROOT/DEBIAN"
# What the programs need of libc: the newest version of a symbol that they refer to.
LIBC=$(objdump -T "$ROOT"/usr/bin/* | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -1 | cut -d_ -f2)
sed -e "s/@VERSION@/$VERSION/" -e "s/@LIBC@/$LIBC/" -e "s/@SIZE@/$(du -sk "$ROOT" | cut -f1)/" "$HERE/control" > "$ROOT/DEBIAN/control"
(cd "$ROOT" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) > "$ROOT/DEBIAN/md5sums"
find "$ROOT" -newermt "@$SOURCE_DATE_EPOCH" -print0 | xargs -0 touch --no-dereference --date="@$SOURCE_DATE_EPOCH"
dpkg-deb --root-owner-group -Zxz --build "$ROOT" "$OUT/unfold_${VERSION}_amd64.deb"
