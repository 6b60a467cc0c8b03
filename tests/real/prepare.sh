#!/usr/bin/env bash
# Fetches and compiles the real programs that unfold is tried on: objects, inputs, and for each
# program a `link.sh` that links them with a linker of your choice. Quick when everything is there.
#
#   tests/real/prepare.sh [sqlite|lua|cxx|cargo|llvm|all]...
#
# Sources come from the package registries and go, like everything that is built, into
# ${UNFOLD_REAL_DIR:-target/real}. Then, for instance:
#
#   LD_DIR=DIR OUT=app MODE=pie target/real/sqlite/link.sh     # DIR holds a program called `ld`
set -euo pipefail
. "$(dirname "$0")/common.sh"

[ $# -gt 0 ] || set -- all
[ "$*" != all ] || set -- sqlite lua cxx cargo llvm
need_packages gcc g++ libc6-dev
for name in "$@"; do
    [ -e "$HERE/$name/prepare.sh" ] || die "unknown program '$name' (sqlite, lua, cxx, cargo, llvm, all)"
    (. "$HERE/$name/prepare.sh")
    say "$name: ready in $REAL/$name"
done
