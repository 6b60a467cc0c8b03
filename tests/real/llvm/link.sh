#!/usr/bin/env bash
# Links irc against the static LLVM archives. LD_DIR: folder with a program `ld`. OUT: the output.
# MODE: pie (default), nopie. EDIT: which report object, 0 (default), 1 (same size), 2 (grown).
# REPORT: or this object file in its place. More arguments go to the compiler driver.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
case ${MODE:=pie} in
    pie)   flags=(-pie) ;;
    nopie) flags=(-no-pie) ;;
    *)     echo "unknown MODE $MODE" >&2; exit 2 ;;
esac
objects=$here/$MODE
exec g++ ${LD_DIR:+-B"$LD_DIR"} "${flags[@]}" "$objects/main.o" "$objects/emit.o" \
    "${REPORT:-$objects/report-${EDIT:-0}.o}" $(cat "$here/libs") -o "$OUT" "$@"
